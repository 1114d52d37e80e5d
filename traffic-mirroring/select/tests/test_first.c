// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The first bytes or packets of a flow: what counts, what is always copied, and which entries give way. */
#include <arpa/inet.h>
#include <string.h>

#include <bpf/bpf.h>
#include <net/if.h>

#include "../../../common/tests/unit.h"
#include "../../abi/record.h"
#include "host_group.h"

#define ACK 0x10
#define FIN 0x01
#define SYN 0x02
#define RST 0x04

/* A packet of one flow. */
struct step {
	enum mirror_outcome outcome;
	uint16_t payload;
	uint8_t flags; /* 0: ACK */
	bool back; /* the other direction */
	bool gso;
	uint16_t trailer; /* bytes after the IP packet */
	const char *rules; /* are committed first */
};

struct story {
	const char *name;
	const char *rules;
	struct step step[8]; /* up to the first whose outcome is OUT_NONE */
	uint8_t proto; /* 0: TCP */
};

#define YES OUT_DEVICE
#define NO OUT_BEYOND_FIRST

static const struct story stories[] = {
	{ "a packet that begins within is whole", "mirror first 100 to d0",
	  .step = { { YES, 60 }, { YES, 60 }, { NO, 60 }, { NO, 1 } } },
	{ "to the byte", "mirror first 100 to d0", .step = { { YES, 100 }, { NO, 1 } } },
	{ "but for a byte", "mirror first 100 to d0", .step = { { YES, 99 }, { YES, 1 }, { NO, 1 } } },
	{ "each direction", "mirror first 100 to d0",
	  .step = { { YES, 200 }, { NO, 60 }, { YES, 200, .back = true }, { NO, 9, .back = true } } },
	{ "acknowledgements count a byte", "mirror first 2 to d0", .step = { { YES }, { YES }, { NO } } },
	{ "padding does not count", "mirror first 10 to d0",
	  .step = { { YES, 5, .trailer = 7 }, { YES, 4, .trailer = 7 }, { YES, 1 }, { NO, 1 } } },
	{ "SYN, FIN and RST are always copied", "mirror first 10 to d0",
	  .step = { { YES, 10 }, { YES, 90, FIN | ACK }, { YES, 90, RST }, { NO, 1 }, { YES, 0, SYN | ACK } } },
	{ "and do not count", "mirror first 10 to d0",
	  .step = { { YES, 10, SYN }, { YES, 90, FIN | ACK }, { YES, 90, RST }, { YES, 10 }, { NO, 1 } } },
	{ "SYN begins again, its direction", "mirror first 10 to d0",
	  .step = { { YES, 90 },
		    { YES, 90, .back = true },
		    { YES, 0, SYN },
		    { YES, 90 },
		    { NO, 90, .back = true },
		    { YES, 0, SYN | ACK, .back = true },
		    { YES, 90, .back = true } } },
	{ "packets", "mirror first 2p to d0", .step = { { YES, 60 }, { YES }, { NO, 60 }, { NO } } },
	{ "segments are packets", "mirror first 3p to d0",
	  .step = { { YES, 150, .gso = true }, { YES, 60 }, { NO, 60 } } },
	{ "another unit begins again", "mirror first 100 to d0",
	  .step = { { YES, 500 },
		    { NO, 1 },
		    { YES, 1, .rules = "mirror first 1p to d0" },
		    { NO, 1 },
		    { YES, 100, .rules = "mirror first 100 to d0" },
		    { NO, 1 } } },
	{ "the same unit goes on", "mirror first 100 to d0",
	  .step = { { YES, 100 }, { YES, 1, .rules = "mirror first 101 to d0" }, { NO, 1 } } },
	{ "UDP", "mirror first 10 to d0", .step = { { YES, 9, SYN }, { YES, 9 }, { NO, 9, SYN } },
	  .proto = IPPROTO_UDP },
	{ "without a payload that is known all counts", "mirror first 70 to d0",
	  .step = { { YES, 10 }, { YES, 10 }, { NO, 10 } }, .proto = IPPROTO_GRE },
	{ "beyond is not left to the next filter", "mirror first 10 to d0\nmirror to d1",
	  .step = { { YES, 10 }, { NO, 10 } } },
};

static struct packet_spec spec_of(uint8_t proto, const struct step *step, uint8_t family, uint16_t port)
{
	struct packet_spec s = { .family = family,
				 .proto = proto ?: IPPROTO_TCP,
				 .src_port = step->back ? port : 443,
				 .dst_port = step->back ? 443 : port,
				 .tcp_flags = step->flags ?: ACK,
				 .payload = step->payload };
	const char *one = family == 4 ? "192.0.2.1" : "2001:db8::1",
		   *two = family == 4 ? "198.51.100.1" : "2001:db8:1::1";

	strcpy(s.src, step->back ? two : one);
	strcpy(s.dst, step->back ? one : two);
	return s;
}

static struct datapath_result run(enum direction d, const struct packet_spec *s, const struct step *step)
{
	struct packet p;
	struct ref_packet packet = { .data = p.data, .gso = step->gso };

	packet_build(s, &p);
	memset(p.data + p.len, 0, step->trailer);
	packet.len = p.len + step->trailer;
	return group_packet(d, &packet);
}

static void commit(const char *rules)
{
	for (int d = 0; d < DIRECTIONS; d++)
		if (host_maps_commit(&maps, d, rules))
			fail_msg("not committed: %s", rules);
}

/* The kernel may refuse to send a GSO packet as crude as BPF_PROG_TEST_RUN makes them. */
static bool same(const struct step *step, enum mirror_outcome outcome)
{
	return outcome == step->outcome ||
	       (step->gso && step->outcome == YES && outcome == OUT_DEVICE_FAILED);
}

static unsigned int tell(const struct story *story, enum direction d, uint8_t family)
{
	commit(story->rules);
	for (const struct step *step = story->step; step < story->step + 8 && step->outcome; step++) {
		struct packet_spec s = spec_of(story->proto, step, family, 40000);
		struct datapath_result r;

		if (step->rules)
			commit(step->rules);
		r = run(d, &s, step);
		if (same(step, r.outcome) && r.filter == 0)
			continue;
		printf("# %s, IPv%u, %s, step %td: %s, filter %d\n", story->name, family, direction_names[d],
		       step - story->step + 1, outcome_name(r.outcome), r.filter + 1);
		return 1;
	}
	return 0;
}

TEST(first)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		host_maps_clear(&maps);
		/* each program counts for itself */
		for (int d = 0; d < DIRECTIONS; d++) {
			bad += tell(&stories[i], d, 4);
			bad += tell(&stories[i], d, 6);
		}
	}
	assert_int_equal(bad, 0);
}

/* GSO packets of segments of 100 bytes, in the ring. */
TEST(segments)
{
	static const struct {
		const char *rules;
		uint16_t segments; /* expected */
	} all[] = {
		{ "mirror first 250", 3 },  { "mirror first 300", 3 }, { "mirror first 301", 4 },
		{ "mirror first 1000", 0 }, { "mirror first 99", 1 },  { "mirror first 999", 10 },
		{ "mirror first 1p", 1 },   { "mirror first 2p", 0 },
	};
	const struct step step = { .payload = 1000, .gso = true };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct packet_spec s = spec_of(0, &step, 4, 40000);
		uint32_t segments = all[i].segments, whole = 54 + 1000;
		uint32_t needed = 54 + 100 * segments + RECORD_HEAD_SIZE;

		host_maps_clear(&maps);
		commit(all[i].rules);
		assert_int_equal(run(EGRESS, &s, &step).outcome, OUT_RING);
		assert_int_equal(host_maps_records(&maps), 1);
		assert_int_equal(maps.record.segments, segments);
		assert_int_equal(maps.record.cap_len, segments && needed < whole ? needed : whole);
		assert_int_equal(maps.record.wire_len, whole);
	}
}

/* A rule that only counts, counts what a copy of them would be. */
TEST(counted_segments)
{
	static const struct {
		const char *rules;
		uint32_t packets;
	} all[] = { { "count first 250", 3 }, { "count first 999", 10 } };
	const struct step step = { .payload = 1000, .gso = true };
	struct packet_spec s = spec_of(0, &step, 4, 40000);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct datapath_result r;

		host_maps_clear(&maps);
		commit(all[i].rules);
		r = run(EGRESS, &s, &step);
		assert_int_equal(r.outcome, OUT_COUNTED);
		assert_int_equal(r.filters, all[i].packets);
		assert_int_equal(r.bytes, all[i].packets * (54 + 100));
	}
}

/* With a small snaplen, of the segments that are needed only. */
TEST(segments_in_pieces)
{
	const struct step step = { .payload = 1000, .gso = true };
	struct packet_spec s = spec_of(0, &step, 4, 40000);

	host_maps_clear(&maps);
	commit("mirror first 250 snaplen 64");
	assert_int_equal(run(INGRESS, &s, &step).outcome, OUT_RING);
	assert_int_equal(host_maps_records(&maps), 1);
	assert_int_equal(maps.record.segments, 3);
	assert_int_equal(maps.record.stride, 10);
	assert_int_equal(maps.record.cap_len, RECORD_HEAD_SIZE + 2 * 10);
}

/* Whether it is in the sample comes first. */
TEST(not_in_the_sample)
{
	const struct step step = { .payload = 10 };
	unsigned int left_out = 0;

	host_maps_clear(&maps);
	commit("mirror sample 1/2 first 1 to d0");
	for (uint16_t port = 1; port <= 100; port++) {
		struct packet_spec s = spec_of(0, &step, 4, port);
		enum mirror_outcome outcome = run(INGRESS, &s, &step).outcome;

		left_out += outcome == OUT_SAMPLED_OUT;
		assert_int_equal(run(INGRESS, &s, &step).outcome,
				 outcome == OUT_SAMPLED_OUT ? OUT_SAMPLED_OUT : OUT_BEYOND_FIRST);
	}
	assert_uint_in_range(left_out, 1, 99);
}

/* Later fragments have no ports: they follow the first one. */
TEST(fragments)
{
	struct packet_spec s = spec_of(IPPROTO_UDP, &(struct step){ .payload = 16 }, 4, 40000), later = s;

	host_maps_clear(&maps);
	commit("mirror first 10 to d0");
	s.more = later.more = true;
	later.offset = 3;
	assert_int_equal(group_spec(INGRESS, &later).outcome, OUT_FRAGMENT_UNKNOWN);
	for (uint32_t id = 1; id <= 2; id++) {
		s.id = later.id = id;
		assert_int_equal(group_spec(INGRESS, &s).outcome, id == 1 ? YES : NO);
		assert_int_equal(group_spec(INGRESS, &later).outcome, id == 1 ? YES : NO);
	}
}

static uint64_t count_hash(enum direction d, uint16_t port)
{
	struct packet_spec s = spec_of(0, &(struct step){ 0 }, 4, port);
	struct ref_flow flow = { .family = 4, .proto = IPPROTO_TCP };

	inet_pton(AF_INET, s.src, flow.end[0].addr);
	inet_pton(AF_INET, s.dst, flow.end[1].addr);
	flow.end[0].port = s.src_port;
	flow.end[1].port = s.dst_port;
	return flow_count_hash(host_maps_hash(&flow), if_nametoindex("lo"), d);
}

/* All flows are in it. */
static void use_one_set(void)
{
	host_maps_close(&maps);
	assert_int_equal(host_maps_open(&maps, &fixture, 1), 0);
	commit("mirror first 10 to d0");
}

static void add_flow(uint16_t port)
{
	const struct step step = { .payload = 10 };
	struct packet_spec s = spec_of(0, &step, 4, port);

	assert_int_equal(run(INGRESS, &s, &step).outcome, YES);
	assert_non_null(host_maps_flow(&maps, count_hash(INGRESS, port)));
}

TEST(full_set)
{
	struct mirror_flow *flow;
	uint16_t now;

	use_one_set();
	for (uint16_t port = 1; port <= MIRROR_FLOW_WAYS; port++)
		add_flow(port);
	assert_int_equal(maps.state->flow_evictions, 0);
	now = maps.flows[0].flow[0].seen;
	/* the oldest one goes, and is counted as it was in use */
	host_maps_flow(&maps, count_hash(INGRESS, 3))->seen -= 2;
	host_maps_flow(&maps, count_hash(INGRESS, 2))->seen -= 1;
	add_flow(5);
	assert_null(host_maps_flow(&maps, count_hash(INGRESS, 3)));
	assert_int_equal(maps.state->flow_evictions, 1);
	/* among those of one age the one that has no name */
	for (int way = 0; way < MIRROR_FLOW_WAYS; way++) {
		maps.flows[0].flow[way].seen = now - FLOW_IN_USE + 1;
		maps.flows[0].flow[way].class = CLASS_FIRST;
	}
	host_maps_flow(&maps, count_hash(INGRESS, 4))->class = CLASS_NONE;
	add_flow(6);
	assert_null(host_maps_flow(&maps, count_hash(INGRESS, 4)));
	assert_int_equal(maps.state->flow_evictions, 2);
	/* one that was not used for long is no loss */
	flow = host_maps_flow(&maps, count_hash(INGRESS, 5));
	flow->seen = now - FLOW_IN_USE - 2;
	add_flow(7);
	assert_null(host_maps_flow(&maps, count_hash(INGRESS, 5)));
	assert_int_equal(maps.state->flow_evictions, 2);
	/* a free one is taken before all others */
	host_maps_flow(&maps, count_hash(INGRESS, 7))->tag = 0;
	add_flow(8);
	assert_int_equal(maps.state->flow_evictions, 2);
}

/* A flood of SYN makes no entries. */
TEST(connections_that_only_begin)
{
	static const struct mirror_flow_set none;
	const struct step step = { .flags = SYN };
	struct packet_spec s = spec_of(0, &step, 4, 9);

	use_one_set();
	assert_int_equal(run(INGRESS, &s, &step).outcome, YES);
	assert_memory_equal(maps.flows, &none, sizeof(none));
}

/* Without a table all is copied. */
TEST(no_table)
{
	const struct step step = { .payload = 10 };
	struct packet_spec s = spec_of(0, &step, 4, 9);
	__u32 zero = 0;

	commit("mirror first 1 to d0");
	assert_int_equal(bpf_map_delete_elem(datapath_map(&fixture.datapath[INGRESS], "flows"), &zero), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(run(INGRESS, &s, &step).outcome, YES);
}

TEST_MAIN(host_group_enter, host_group_leave)
