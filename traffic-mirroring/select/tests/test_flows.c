// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What ties packets to each other: fragments to the first one, and a flow's packets to its sample and its
 * device.
 */
#include <string.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "group.h"

#define FLOWS 4000

/* One fragment of a datagram, and what has to become of it. */
struct step {
	uint16_t offset;
	bool more;
	enum mirror_outcome outcome;
	int filter; /* counted from 1; 0: none */
};

struct story {
	const char *name;
	const char *rules;
	struct step step[5]; /* up to the first whose outcome is OUT_NONE */
	uint8_t proto; /* 0: UDP */
};

#define DNS "mirror dst-port 53 to d0"
#define NO BECOMES(OUT_NO_MATCH, 0)
#define YES BECOMES(OUT_DEVICE, 1)
#define UNKNOWN BECOMES(OUT_FRAGMENT_UNKNOWN, 0)
#define FIRST .offset = 0, .more = true
#define LATER .offset = 185, .more = true
#define LAST .offset = 370, .more = false
#define BECOMES(out, by) .outcome = out, .filter = by

static const struct story stories[] = {
	{ "in order", DNS, .step = { { FIRST, YES }, { LATER, YES }, { LAST, YES } } },
	{ "in order, no match", "mirror dst-port 54 to d0",
	  .step = { { FIRST, NO }, { LATER, NO }, { LAST, NO } } },
	{ "in order, skip", "skip dst-port 53\nmirror to d0",
	  .step = { { FIRST, BECOMES(OUT_SKIPPED, 1) }, { LATER, BECOMES(OUT_SKIPPED, 1) } } },
	{ "a first fragment decides against what the headers alone would say",
	  "mirror dst-port 54 to d1\nskip",
	  .step = { { FIRST, BECOMES(OUT_SKIPPED, 2) }, { LAST, BECOMES(OUT_SKIPPED, 2) } } },
	{ "last one first", DNS,
	  .step = { { LAST, UNKNOWN }, { FIRST, YES }, { LATER, YES }, { LAST, YES } } },
	{ "first one lost, headers decide", "mirror proto udp src 192.0.2.0/24,2001:db8::/64 to d0",
	  .step = { { LATER, YES }, { LAST, YES } } },
	{ "first one lost, headers decide for skip", "skip proto udp\nmirror to d0",
	  .step = { { LATER, BECOMES(OUT_SKIPPED, 1) } } },
	{ "first one lost, headers match nothing", "mirror proto tcp to d0\nmirror src 10.0.0.1 to d0",
	  .step = { { LATER, NO } } },
	{ "first one lost, the first line that headers allow asks for a port", DNS "\nmirror proto udp to d0",
	  .step = { { LATER, UNKNOWN } } },
	{ "first one lost, that line is of another protocol",
	  "mirror proto tcp dst-port 53 to d0\nmirror to d1", .step = { { LATER, BECOMES(OUT_DEVICE, 2) } } },
	{ "first one lost, that line is of another address",
	  "mirror src 10.0.0.0/8 dst-port 53 to d0\nmirror to d1",
	  .step = { { LATER, BECOMES(OUT_DEVICE, 2) } } },
	{ "first one lost, sampled", "mirror sample 1/2 to d0", .step = { { LATER, UNKNOWN } } },
	{ "first one lost, sampled, all", "mirror sample 1/1 to d0", .step = { { LATER, YES } } },
	{ "first one lost, several devices", "mirror to d0,d1", .step = { { LATER, UNKNOWN } } },
	{ "first one lost, flags", "mirror tcp-flags syn to d0", .step = { { LATER, UNKNOWN } },
	  .proto = IPPROTO_TCP },
	{ "first one lost, ICMP type", "mirror icmp-type 8 to d0", .step = { { LATER, UNKNOWN } },
	  .proto = IPPROTO_ICMP },
	{ "first one lost, vlan", "mirror vlan 5 to d0", .step = { { LATER, NO } } },
};

static struct packet_spec datagram(const struct story *story, uint8_t family, uint32_t id)
{
	struct packet_spec s = { .family = family,
				 .proto = story->proto ?: IPPROTO_UDP,
				 .src_port = 1000,
				 .dst_port = 53,
				 .payload = 64,
				 .id = id };

	strcpy(s.src, family == 4 ? "192.0.2.1" : "2001:db8::1");
	strcpy(s.dst, family == 4 ? "198.51.100.1" : "2001:db8::2");
	if (family == 6) {
		s.extension[0] = 60;
		s.extension[1] = IPPROTO_FRAGMENT;
		s.n_extensions = 2;
	}
	return s;
}

static unsigned int tell(const struct story *story, enum direction d, uint8_t family, uint32_t id)
{
	struct packet_spec s = datagram(story, family, id);

	for (const struct step *step = story->step; step < story->step + 5 && step->outcome; step++) {
		struct datapath_result r;

		s.offset = step->offset;
		s.more = step->more;
		r = group_spec(d, &s);
		if (r.outcome == step->outcome && r.filter + 1 == step->filter &&
		    r.copy.times == (step->outcome == OUT_DEVICE))
			continue;
		printf("# %s, IPv%u, %s, step %td: %s, filter %d\n", story->name, family, direction_names[d],
		       step - story->step + 1, outcome_name(r.outcome), r.filter + 1);
		return 1;
	}
	return 0;
}

TEST(fragments)
{
	unsigned int bad = 0;
	uint32_t id = 100;

	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		group_commit(stories[i].rules);
		for (int d = 0; d < DIRECTIONS; d++) {
			bad += tell(&stories[i], d, 4, id++);
			bad += tell(&stories[i], d, 6, id++);
		}
	}
	assert_int_equal(bad, 0);
}

/* A fragment follows no datagram but its own. */
TEST(fragments_of_others)
{
	const struct story dns = { .proto = IPPROTO_UDP };
	const uint8_t families[] = { 4, 6 };

	group_commit(DNS);
	for (int i = 0; i < 2; i++) {
		struct packet_spec s = datagram(&dns, families[i], 5000), other;

		s.more = true;
		assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_DEVICE);
		s.offset = 185;
		other = s;
		other.id++;
		assert_int_equal(group_spec(INGRESS, &other).outcome, OUT_FRAGMENT_UNKNOWN);
		other = s;
		strcpy(other.src, s.dst);
		assert_int_equal(group_spec(INGRESS, &other).outcome, OUT_FRAGMENT_UNKNOWN);
		other = s;
		strcpy(other.dst, s.src);
		assert_int_equal(group_spec(INGRESS, &other).outcome, OUT_FRAGMENT_UNKNOWN);
		assert_int_equal(group_tagged(INGRESS, &s, 5).outcome, OUT_FRAGMENT_UNKNOWN);
		/* another direction has seen nothing */
		assert_int_equal(group_spec(EGRESS, &s).outcome, OUT_FRAGMENT_UNKNOWN);
		other = s;
		other.proto = IPPROTO_TCP;
		assert_int_equal(group_spec(INGRESS, &other).outcome,
				 families[i] == 4 ? OUT_FRAGMENT_UNKNOWN : OUT_DEVICE);
		assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_DEVICE);
	}
}

/* Linux reassembles a TCP header from fragments of eight bytes: the first one has only the ports. */
TEST(fragments_of_a_header)
{
	const struct story tcp = { .proto = IPPROTO_TCP };

	group_commit("mirror tcp-flags none/0 to d1\n" DNS);
	for (int i = 0; i < 2; i++) {
		struct packet_spec s = datagram(&tcp, i ? 6 : 4, 7000);
		struct packet p;
		struct ref_packet packet = { .data = p.data };
		struct datapath_result r;

		s.more = true;
		packet_build(&s, &p);
		packet_cut(&p, p.l4 + 8);
		packet_fit(&p);
		packet.len = p.len;
		r = group_packet(INGRESS, &packet);
		assert_int_equal(r.outcome, OUT_DEVICE);
		assert_int_equal(r.copy.ifindex, fixture.device[DEVICE_D0].ifindex);
		s.offset = 1;
		assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_DEVICE);
	}
}

static void make_older(const struct datapath *l, uint64_t ns)
{
	struct mirror_decision decision;
	struct mirror_datagram key, next;
	int fd = datapath_map(l, "fragments");

	for (int error = bpf_map_get_next_key(fd, NULL, &key); !error; key = next) {
		/*
		 * before the update, which moves the entry to the front of its bucket: one after it would
		 * come again
		 */
		error = bpf_map_get_next_key(fd, &key, &next);
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &decision), 0);
		decision.time_ns -= ns;
		assert_int_equal(bpf_map_update_elem(fd, &key, &decision, BPF_ANY), 0);
	}
}

TEST(fragments_are_followed_for_a_time)
{
	const struct story dns = { .proto = IPPROTO_UDP };
	struct packet_spec s = datagram(&dns, 4, 6000);

	group_commit(DNS);
	s.more = true;
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_DEVICE);
	s.offset = 185;
	make_older(&fixture.datapath[INGRESS], MIRROR_FRAGMENT_NS - 5000000000);
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_DEVICE);
	make_older(&fixture.datapath[INGRESS], 5000000000);
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_FRAGMENT_UNKNOWN);
}

static struct packet_spec flow(unsigned int number, uint8_t family)
{
	struct packet_spec s = { .family = family,
				 .proto = number % 2 ? IPPROTO_TCP : IPPROTO_UDP,
				 .src_port = 1024 + number,
				 .dst_port = 443,
				 .payload = 10 };

	snprintf(s.src, sizeof(s.src), family == 4 ? "192.0.2.%u" : "2001:db8::%u", 1 + number % 50);
	strcpy(s.dst, family == 4 ? "198.51.100.1" : "2001:db8:1::1");
	return s;
}

static struct packet_spec turned(struct packet_spec s)
{
	struct packet_spec t = s;

	strcpy(t.src, s.dst);
	strcpy(t.dst, s.src);
	t.src_port = s.dst_port;
	t.dst_port = s.src_port;
	return t;
}

/*
 * A packet's outcome as a number: its device, or 0. It is the same for all four packets of a flow.
 */
static unsigned int device_of_flow(unsigned int number, uint8_t family)
{
	struct packet_spec there = flow(number, family), back = turned(there);
	unsigned int device;

	back.tcp_flags = 0x12;
	back.payload = 99;
	device = group_spec(INGRESS, &there).copy.ifindex;
	assert_int_equal(group_spec(EGRESS, &back).copy.ifindex, device);
	assert_int_equal(group_spec(EGRESS, &there).copy.ifindex, device);
	assert_int_equal(group_tagged(INGRESS, &back, 7).copy.ifindex, device);
	return device;
}

/* Four standard deviations of the number of hits, squared and compared without a square root. */
static void assert_share(unsigned int hits, unsigned int n, unsigned int one_in)
{
	double expected = (double)n / one_in, variance = expected * (1 - 1.0 / one_in);

	if ((hits - expected) * (hits - expected) > 16 * variance)
		fail_msg("%u of %u, expected one in %u", hits, n, one_in);
}

TEST(sample_takes_whole_flows)
{
	static const unsigned int samples[] = { 1, 2, 10, 100 };

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		char rules[64];
		unsigned int taken = 0;

		snprintf(rules, sizeof(rules), "mirror sample 1/%u to d0\nmirror to d1", samples[i]);
		group_commit(rules);
		for (unsigned int n = 0; n < FLOWS; n++) {
			unsigned int device = device_of_flow(n, n % 3 ? 4 : 6);

			/* what is not in the sample is not left to the next line */
			assert_int_not_equal(device, fixture.device[DEVICE_D1].ifindex);
			taken += device != 0;
		}
		assert_share(taken, FLOWS, samples[i]);
	}
}

TEST(flows_spread_over_devices)
{
	unsigned int copies[3] = { 0 };

	group_commit("mirror to d0,d1,d2");
	for (unsigned int n = 0; n < FLOWS; n++) {
		unsigned int device = device_of_flow(n, n % 3 ? 4 : 6), d = 0;

		while (d < 3 && fixture.device[d].ifindex != device)
			d++;
		assert_uint_in_range(d, 0, 2);
		copies[d]++;
	}
	for (int d = 0; d < 3; d++)
		assert_share(copies[d], FLOWS, 3);
}

/* Which flows are sampled must not say where they go. */
TEST(sampled_flows_spread_too)
{
	unsigned int d0 = 0, taken = 0;

	group_commit("mirror sample 1/4 to d0,d1");
	for (unsigned int n = 0; n < FLOWS; n++) {
		unsigned int device = device_of_flow(n, 4);

		taken += device != 0;
		d0 += device == fixture.device[DEVICE_D0].ifindex;
	}
	assert_share(taken, FLOWS, 4);
	assert_share(d0, taken, 2);
}

/* Ports are not all of a flow: its protocol and addresses are, too. */
TEST(flows_without_ports)
{
	struct packet_spec s = { .family = 4, .proto = IPPROTO_ICMP, .icmp_type = 8, .payload = 20 };
	unsigned int taken = 0;

	group_commit("mirror sample 1/2 to d0");
	for (unsigned int n = 0; n < FLOWS; n++) {
		struct packet_spec back;
		unsigned int device;

		snprintf(s.src, sizeof(s.src), "10.0.%u.%u", n / 200, 1 + n % 200);
		strcpy(s.dst, "198.51.100.1");
		back = turned(s);
		back.icmp_type = 0;
		device = group_spec(INGRESS, &s).copy.ifindex;
		assert_int_equal(group_spec(EGRESS, &back).copy.ifindex, device);
		taken += device != 0;
	}
	assert_share(taken, FLOWS, 2);
}

TEST_MAIN(group_enter, group_leave)
