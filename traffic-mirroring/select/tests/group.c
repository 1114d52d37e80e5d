// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)

#include "../../../common/tests/unit.h"
#include "group.h"

struct fixture fixture;

int group_enter(void **state)
{
	(void)state;
	return fixture_enter(&fixture);
}

int group_leave(void **state)
{
	(void)state;
	fixture_leave(&fixture);
	return 0;
}

void group_commit(const char *rules)
{
	assert_int_equal(fixture_commit(&fixture, rules), 0);
}

struct datapath_result group_packet(enum direction d, const struct ref_packet *packet)
{
	struct datapath_result r;

	assert_int_equal(datapath_run(&fixture.datapath[d], packet, &r), 0);
	assert_int_equal(r.verdict, CHAIN_VERDICT);
	assert_true(r.unchanged);
	assert_int_equal(r.after.times, 1);
	assert_int_equal(r.outcomes, 1);
	return r;
}

static struct datapath_result run(enum direction d, const struct packet_spec *spec, struct ref_packet packet)
{
	struct packet p;

	packet_build(spec, &p);
	packet.data = p.data;
	packet.len = p.len;
	return group_packet(d, &packet);
}

struct datapath_result group_spec(enum direction d, const struct packet_spec *spec)
{
	return run(d, spec, (struct ref_packet){});
}

struct datapath_result group_tagged(enum direction d, const struct packet_spec *spec, uint16_t tci)
{
	return run(d, spec, (struct ref_packet){ .tagged = true, .tci = tci });
}
