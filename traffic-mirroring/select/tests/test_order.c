/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which of a flow's packets take the ring and which are cloned, by what the sender has sent. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "../../../common/clock.h"
#include "../../../common/tests/unit.h"
#include "host_group.h"

#define SMALL 60
#define LARGE 1200
#define ABOVE 1000
#define STEP 2000 /* nanoseconds: more than a unit of an entry's time */

static enum mirror_outcome pass(enum direction d, uint16_t port, uint16_t payload)
{
	struct packet_spec s = {
		.family = 4, .proto = IPPROTO_TCP, .src_port = port, .dst_port = 443, .payload = payload
	};

	strcpy(s.src, "192.0.2.1");
	strcpy(s.dst, "198.51.100.1");
	host_maps_records(&maps); /* so that there is room */
	return group_spec(d, &s).outcome;
}

#define assert_passes(d, port, payload, out) \
	assert_string_equal(outcome_name(pass(d, port, payload)), outcome_name(out))

/* The sender has sent all that is in the rings. */
static void send_all(uint32_t thread)
{
	maps.state->sent_until[thread] = clock_ns(CLOCK_MONOTONIC) + STEP;
	while (clock_ns(CLOCK_MONOTONIC) < maps.state->sent_until[thread])
		;
}

FIXTURE(begin)
{
	host_maps_clear(&maps);
	memset(maps.state->sent_until, 0, sizeof(maps.state->sent_until));
	maps.state->present = 1;
	maps.state->limited = maps.state->shed = maps.state->thread_mask = maps.state->stopped[0] = 0;
	for (int d = 0; d < DIRECTIONS; d++) {
		struct configuration *c = host_maps_configuration(&maps, d, "mirror");

		c->rows[0].clone_above = ABOVE;
		c->rows[0].device[0].ifindex = fixture.device[DEVICE_D0].ifindex;
		assert_int_equal(host_maps_put(&maps, d, c), 0);
		configuration_free(c);
	}
	return 0;
}

TEST_AFTER(small_by_ring_large_by_clone, begin)
{
	for (int d = 0; d < DIRECTIONS; d++) {
		assert_passes(d, 1, SMALL, OUT_RING);
		/* it may overtake what has not been sent */
		assert_passes(d, 1, LARGE, OUT_RING);
		send_all(0);
		assert_passes(d, 1, LARGE, OUT_DEVICE);
		assert_passes(d, 1, LARGE, OUT_DEVICE);
		assert_passes(d, 1, SMALL, OUT_RING);
		assert_passes(d, 1, LARGE, OUT_RING);
		send_all(0);
		assert_passes(d, 1, LARGE, OUT_DEVICE);
	}
}

/* A flow without an entry may have had one, which gave way to another flow's. */
TEST_AFTER(unknown_flows, begin)
{
	send_all(0);
	assert_passes(EGRESS, 1, LARGE, OUT_RING);
	send_all(0);
	assert_passes(EGRESS, 2, LARGE, OUT_RING);
	assert_passes(EGRESS, 1, LARGE, OUT_DEVICE);
	host_maps_clear(&maps);
	assert_passes(EGRESS, 1, LARGE, OUT_RING);
}

/* A flow's records may still be with the thread that it had before. */
TEST_AFTER(all_threads, begin)
{
	assert_passes(EGRESS, 1, SMALL, OUT_RING);
	maps.state->thread_mask = 1;
	send_all(0);
	assert_int_not_equal(pass(EGRESS, 1, LARGE), OUT_DEVICE);
	maps.state->thread_mask = 0;
	assert_passes(EGRESS, 1, SMALL, OUT_RING);
	maps.state->thread_mask = 1;
	send_all(0);
	send_all(1);
	assert_passes(EGRESS, 1, LARGE, OUT_DEVICE);
	maps.state->thread_mask = 0;
}

/* What holds for the ring holds for clones. */
TEST_AFTER(limits, begin)
{
	assert_passes(EGRESS, 1, SMALL, OUT_RING);
	send_all(0);
	assert_passes(EGRESS, 1, LARGE, OUT_DEVICE);
	maps.state->shed = UINT32_MAX;
	assert_passes(EGRESS, 1, LARGE, OUT_SHED);
	maps.state->shed = 0;
	maps.state->stopped[0] = 1;
	assert_passes(EGRESS, 1, LARGE, OUT_LINK_DOWN);
	maps.state->stopped[0] = 0;
	maps.state->present = 0;
	assert_passes(EGRESS, 1, LARGE, OUT_NO_SENDER);
	maps.state->present = 1;
	assert_passes(EGRESS, 1, LARGE, OUT_DEVICE);
	maps.state->limited = 1;
	assert_passes(EGRESS, 1, LARGE, OUT_RING);
}

TEST_MAIN(host_group_enter, host_group_leave)
