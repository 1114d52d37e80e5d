// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Outcomes that rules alone do not decide: devices that fail, our own tunnels, L3 devices, the switch,
 * counters.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../../common/clock.h"
#include "../../../common/tests/unit.h"
#include "group.h"

static const struct packet_spec tcp4 = { .family = 4,
					 .proto = IPPROTO_TCP,
					 .src = "192.0.2.1",
					 .dst = "198.51.100.1",
					 .dst_port = 443,
					 .payload = 20 };
static const struct packet_spec tcp6 = { .family = 6,
					 .proto = IPPROTO_TCP,
					 .src = "2001:db8::1",
					 .dst = "2001:db8::2",
					 .dst_port = 443,
					 .payload = 20 };
static const struct packet_spec arp = { .ethertype = 0x0806, .payload = 46 };

#define assert_becomes(d, spec, out) \
	assert_string_equal(outcome_name(group_spec(d, spec).outcome), outcome_name(out))

static void commit(struct datapath *datapath, const char *rules)
{
	assert_int_equal(datapath_commit(datapath, rules), 0);
}

TEST(switched_off)
{
	for (int d = 0; d < DIRECTIONS; d++) {
		assert_int_equal(datapath_switch(&fixture.datapath[d], true), 0);
		commit(&fixture.datapath[d], "mirror to d0");
		assert_becomes(d, &tcp4, OUT_DEVICE);
		assert_int_equal(datapath_switch(&fixture.datapath[d], false), 0);
		assert_becomes(d, &tcp4, OUT_DISABLED);
		commit(&fixture.datapath[d], "mirror to d1");
		assert_becomes(d, &tcp4, OUT_DISABLED);
		assert_int_equal(datapath_switch(&fixture.datapath[d], true), 0);
		assert_int_equal(group_spec(d, &tcp4).copy.ifindex, fixture.device[DEVICE_D1].ifindex);
	}
}

TEST(device_down_gone_or_busy)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = fixture.device[DEVICE_D2].ifindex,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = build_program(fixture.probe, "probe_drop"), .handle = 9,
		    .priority = 9);

	assert_int_equal(system("ip link add d9 type ifb"), 0);
	for (int d = 0; d < DIRECTIONS; d++)
		commit(&fixture.datapath[d], "mirror to d9");
	for (int d = 0; d < DIRECTIONS; d++) {
		/* down: the queue of a device drops what comes, a device without a queue refuses it */
		enum mirror_outcome outcome = group_spec(d, &tcp4).outcome;

		assert_true(outcome == OUT_DEVICE_BUSY || outcome == OUT_DEVICE_FAILED);
	}
	assert_int_equal(system("ip link set d9 up"), 0);
	for (int d = 0; d < DIRECTIONS; d++)
		assert_becomes(d, &tcp4, OUT_DEVICE);
	assert_int_equal(system("ip link del d9"), 0);
	for (int d = 0; d < DIRECTIONS; d++)
		assert_becomes(d, &tcp4, OUT_DEVICE_FAILED); /* gone */

	/* a full queue answers the same: a positive number, that of TC_ACT_SHOT or near it */
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	for (int d = 0; d < DIRECTIONS; d++) {
		commit(&fixture.datapath[d], "mirror to d2");
		assert_becomes(d, &tcp4, OUT_DEVICE_BUSY);
	}
	opts.flags = opts.prog_fd = opts.prog_id = 0;
	assert_int_equal(bpf_tc_detach(&hook, &opts), 0);
	assert_becomes(INGRESS, &tcp4, OUT_DEVICE);
}

/* BPF_PROG_TEST_RUN's packets are of lo. */
TEST(own_device)
{
	for (int d = 0; d < DIRECTIONS; d++) {
		commit(&fixture.datapath[d], "mirror to lo");
		assert_becomes(d, &tcp4, OUT_DEVICE_FAILED);
	}
}

static void commit_exit(enum mirror_exit exit)
{
	struct configuration *c = datapath_configuration("mirror to d0");

	assert_non_null(c);
	c->rows[0].exit = exit;
	assert_int_equal(tables_commit(fixture.datapath[EGRESS].tables, c, false), 0);
	configuration_free(c);
}

/* An exit's program is taken out of the exits map, and put back. */
TEST(no_exit)
{
	int fd = datapath_map(&fixture.datapath[EGRESS], "exits"), program;
	__u32 key = EXIT_DEVICE;

	commit_exit(EXIT_DEVICE);
	assert_becomes(EGRESS, &tcp4, OUT_DEVICE);
	assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	assert_becomes(EGRESS, &tcp4, OUT_NO_EXIT);
	program = build_program(fixture.datapath[EGRESS].select, "mirroring_egress_device");
	assert_int_equal(bpf_map_update_elem(fd, &key, &program, BPF_ANY), 0);
	assert_becomes(EGRESS, &tcp4, OUT_DEVICE);

	commit_exit(EXIT_RING);
	assert_becomes(EGRESS, &tcp4, OUT_NO_SENDER); /* nobody has made rings here */

	/* update came before start: filters, but nowhere to send copies to */
	commit_exit(EXIT_NONE);
	assert_becomes(EGRESS, &tcp4, OUT_NO_EXIT);
}

static void add_outer(struct configuration *c, int family, const char *address, uint8_t proto, uint16_t port)
{
	struct mirror_outer *o = &c->outers[c->n_outers++];

	*o = (struct mirror_outer){ .family = family, .proto = proto, .port = port };
	assert_int_equal(inet_pton(family == 4 ? AF_INET : AF_INET6, address, o->addr), 1);
}

static struct packet_spec udp4(const char *src, const char *dst, uint16_t port)
{
	struct packet_spec s = { .family = 4, .proto = IPPROTO_UDP, .dst_port = port, .payload = 60 };

	strcpy(s.src, src);
	strcpy(s.dst, dst);
	return s;
}

/* An ICMP packet of this type about another packet. */
static enum mirror_outcome icmp_about(enum direction d, uint8_t type, const struct packet_spec *spec)
{
	struct packet_spec icmp = { .family = spec->family, .icmp_type = type };
	struct packet p, quoted;
	struct ref_packet packet = { .data = p.data };

	icmp.proto = spec->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	packet_build(spec, &quoted);
	icmp.payload = 4 + quoted.len - quoted.l3;
	packet_build(&icmp, &p);
	memcpy(p.data + p.l4 + 8, quoted.data + quoted.l3, quoted.len - quoted.l3);
	packet.len = p.len;
	return group_packet(d, &packet).outcome;
}

/* Errors about copies must not be copied: the copy would cause the next error. */
TEST(errors_about_copies)
{
	static const uint8_t errors4[] = { 3, 4, 5, 11, 12 }, others4[] = { 0, 8, 13, 35, 43, 255 };
	static const uint8_t errors6[] = { 1, 2, 3, 4, 127 }, others6[] = { 0, 128, 129, 135, 255 };
	struct packet_spec to = udp4("192.0.2.1", "203.0.113.9", 4789), from = to, other = to, gre = to;
	struct packet_spec to6 = { .family = 6, .proto = IPPROTO_UDP, .dst = "2001:db8::9", .dst_port = 4789 };
	struct packet_spec long6 = to6, other6 = to6;

	strcpy(from.src, to.dst);
	strcpy(from.dst, to.src);
	to.options = 2;
	other.dst_port++;
	other6.dst_port++;
	gre.proto = IPPROTO_GRE;
	long6.extension[0] = IPPROTO_FRAGMENT;
	long6.n_extensions = 1;
	for (int d = 0; d < DIRECTIONS; d++) {
		struct configuration *c = datapath_configuration("skip icmp-type 5\nmirror to d0");

		assert_non_null(c);
		add_outer(c, 4, "203.0.113.9", IPPROTO_UDP, 4789);
		add_outer(c, 4, "203.0.113.9", IPPROTO_GRE, 0);
		add_outer(c, 6, "2001:db8::9", IPPROTO_UDP, 4789);
		assert_int_equal(tables_commit(fixture.datapath[d].tables, c, false), 0);
		configuration_free(c);
		for (size_t i = 0; i < sizeof(errors4); i++)
			assert_int_equal(icmp_about(d, errors4[i], &to),
					 errors4[i] == 5 ? OUT_SKIPPED : OUT_OWN_COPY);
		for (size_t i = 0; i < sizeof(others4); i++)
			assert_int_equal(icmp_about(d, others4[i], &to), OUT_DEVICE);
		for (size_t i = 0; i < sizeof(errors6); i++)
			assert_int_equal(icmp_about(d, errors6[i], &to6), OUT_OWN_COPY);
		for (size_t i = 0; i < sizeof(others6); i++)
			assert_int_equal(icmp_about(d, others6[i], &to6), OUT_DEVICE);
		assert_int_equal(icmp_about(d, 3, &from), OUT_OWN_COPY);
		assert_int_equal(icmp_about(d, 3, &gre), OUT_OWN_COPY);
		assert_int_equal(icmp_about(d, 1, &long6), OUT_OWN_COPY);
		assert_int_equal(icmp_about(d, 3, &other), OUT_DEVICE);
		assert_int_equal(icmp_about(d, 3, &tcp4), OUT_DEVICE);
		assert_int_equal(icmp_about(d, 1, &other6), OUT_DEVICE);
	}
}

TEST(own_tunnels)
{
	struct packet_spec tunnel = udp4("192.0.2.1", "203.0.113.9", 4789), fragment = tunnel;
	struct packet_spec other_port = udp4("192.0.2.1", "203.0.113.9", 4790);
	struct packet_spec other_end = udp4("192.0.2.1", "203.0.113.10", 4789), other_proto = tunnel;
	struct packet_spec gre = other_end, back = udp4("203.0.113.9", "192.0.2.1", 4789);
	struct packet_spec answer = udp4("203.0.113.9", "192.0.2.1", 40000);
	struct packet_spec tunnel6 = {
		.family = 6, .proto = IPPROTO_UDP, .dst = "2001:db8::9", .dst_port = 6081
	};
	struct packet_spec other_port6 = tunnel6;

	other_proto.proto = IPPROTO_UDPLITE;
	gre.proto = IPPROTO_GRE;
	other_port6.dst_port++;
	fragment.id = 77;
	for (int d = 0; d < DIRECTIONS; d++) {
		struct configuration *c = datapath_configuration("mirror to d0");

		assert_non_null(c);
		add_outer(c, 4, "203.0.113.9", IPPROTO_UDP, 4789);
		add_outer(c, 4, "203.0.113.10", IPPROTO_GRE, 0);
		add_outer(c, 6, "2001:db8::9", IPPROTO_UDP, 6081);
		assert_int_equal(tables_commit(fixture.datapath[d].tables, c, false), 0);
		configuration_free(c);

		assert_becomes(d, &tunnel, OUT_OWN_COPY);
		assert_becomes(d, &other_port, OUT_DEVICE);
		assert_becomes(d, &other_end, OUT_DEVICE);
		assert_becomes(d, &other_proto, OUT_DEVICE);
		assert_becomes(d, &back, OUT_OWN_COPY); /* the collector mirrors, too, to us */
		assert_becomes(d, &answer, OUT_DEVICE);
		assert_becomes(d, &gre, OUT_OWN_COPY);
		assert_becomes(d, &tunnel6, OUT_OWN_COPY);
		assert_becomes(d, &other_port6, OUT_DEVICE);
		/* a fragment that has no ports follows the first one */
		fragment.more = true;
		fragment.offset = 0;
		assert_becomes(d, &fragment, OUT_OWN_COPY);
		fragment.offset = 9;
		assert_becomes(d, &fragment, OUT_OWN_COPY);
		/* the next configuration knows no tunnel */
		commit(&fixture.datapath[d], "mirror to d0");
		assert_becomes(d, &tunnel, OUT_DEVICE);
		assert_becomes(d, &gre, OUT_DEVICE);
		assert_becomes(d, &tunnel6, OUT_DEVICE);
	}
}

/* What a device without Ethernet got of a packet; 0: nothing. */
static size_t bare_copy(enum direction d, const struct packet *p, bool tagged, uint8_t *copy)
{
	struct ref_packet packet = { .data = p->data, .len = p->len, .tagged = tagged, .tci = 5 };
	struct datapath_result r = group_packet(d, &packet);
	ssize_t n = read(fixture.tun, copy, PACKET_MAX);

	assert_int_equal(r.outcome, n > 0 ? OUT_DEVICE : OUT_DEVICE_NOT_IP);
	return n > 0 ? n : 0;
}

/* It gets the IP packet and nothing before it. */
TEST(device_takes_bare_ip)
{
	const struct packet_spec *const specs[] = { &tcp4, &tcp6 };

	for (int d = 0; d < DIRECTIONS; d++) {
		commit(&fixture.datapath[d], "mirror to t0");
		for (size_t i = 0; i < 2; i++) {
			uint8_t copy[PACKET_MAX];
			struct packet p;

			packet_build(specs[i], &p);
			assert_int_equal(bare_copy(d, &p, false, copy), p.len - p.l3);
			assert_memory_equal(copy, p.data + p.l3, p.len - p.l3);
		}
		assert_becomes(d, &arp, OUT_DEVICE_NOT_IP);
	}
}

/* The kernel takes the Ethernet header off a clone, but no VLAN tag. */
TEST(device_takes_no_tags)
{
	struct packet_spec specs[] = { tcp4, tcp4, tcp6 };

	specs[1].tag[0].type = 0x8100;
	specs[2].tag[0].type = 0x88a8;
	specs[2].tag[1].type = 0x8100;
	for (int d = 0; d < DIRECTIONS; d++) {
		commit(&fixture.datapath[d], "mirror to t0");
		for (size_t i = 0; i < 3; i++) {
			uint8_t copy[PACKET_MAX];
			struct packet p;

			packet_build(&specs[i], &p);
			assert_int_equal(bare_copy(d, &p, true, copy), 0);
			if (specs[i].tag[0].type)
				assert_int_equal(bare_copy(d, &p, false, copy), 0);
		}
	}
}

TEST(interface_gives_bare_ip)
{
	struct packet_spec bare4 = tcp4, bare6 = tcp6;

	bare4.l3 = bare6.l3 = true;
	for (int d = 0; d < DIRECTIONS; d++) {
		struct configuration *c = datapath_configuration("mirror src 192.0.2.1 dst-port 443 to d0\n"
								 "skip src 2001:db8::1 proto tcp\n"
								 "mirror to d1");

		assert_non_null(c);
		assert_int_equal(tables_commit(fixture.datapath[d].tables, c, true), 0);
		configuration_free(c);
		assert_int_equal(group_spec(d, &bare4).filter, 0);
		assert_int_equal(group_spec(d, &bare6).filter, 1);
		/* an Ethernet frame is, as a bare packet, no IP */
		assert_int_equal(group_spec(d, &tcp4).filter, 2);
		/* the next commit says Ethernet again */
		commit(&fixture.datapath[d], "mirror proto tcp to d0");
		assert_becomes(d, &tcp4, OUT_DEVICE);
		assert_becomes(d, &bare4, OUT_NO_MATCH);
	}
}

static uint64_t plain_counter(const struct datapath *datapath, const char *map, __u32 key)
{
	uint64_t value = 0;

	assert_int_equal(bpf_map_lookup_elem(datapath_map(datapath, map), &key, &value), 0);
	return value;
}

static void send_packet(const struct datapath *datapath, const struct packet_spec *spec, int times)
{
	struct packet p;

	packet_build(spec, &p);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.len, .repeat = times);
	assert_int_equal(bpf_prog_test_run_opts(datapath->select_fd, &opts), 0);
}

TEST(counters_add_up)
{
	enum { TIMES = 1000 };

	for (int d = 0; d < DIRECTIONS; d++) {
		const struct datapath *datapath = &fixture.datapath[d];
		struct counters before, after;
		struct packet p;
		uint64_t plain, packets;
		__u32 counter;

		commit(&fixture.datapath[d], "mirror dst-port 1 to d0\nskip dst-port 443");
		counter = datapath_counter(datapath, 1);
		packet_build(&tcp4, &p);
		assert_int_equal(tables_counters(datapath->tables, &before), 0);
		plain = plain_counter(datapath, "counters", OUT_SKIPPED);
		packets = plain_counter(datapath, "filter_packets", counter);
		send_packet(datapath, &tcp4, TIMES);
		assert_int_equal(tables_counters(datapath->tables, &after), 0);
		for (int i = 0; i < OUT_COUNT; i++)
			assert_int_equal(after.outcome[i] - before.outcome[i], i == OUT_SKIPPED ? TIMES : 0);
		for (__u32 i = 0; i <= MIRROR_COUNTERS; i++) {
			assert_int_equal(after.packets[i] - before.packets[i], i == counter ? TIMES : 0);
			assert_int_equal(after.bytes[i] - before.bytes[i], i == counter ? TIMES * p.len : 0);
		}
		/* what others read lags by less than one flush per CPU, and key 0 is l3afd's */
		assert_uint_in_range(plain_counter(datapath, "counters", OUT_SKIPPED) - plain,
				     TIMES - MIRROR_FLUSH, TIMES + MIRROR_FLUSH);
		assert_uint_in_range(plain_counter(datapath, "filter_packets", counter) - packets,
				     TIMES - MIRROR_FLUSH, TIMES + MIRROR_FLUSH);
		assert_int_equal(plain_counter(datapath, "counters", 0), 0);
		assert_int_equal(plain_counter(datapath, "filter_packets", 0), 0);
		assert_int_equal(plain_counter(datapath, "filter_bytes", 0), 0);
	}
}

static uint64_t packets(const struct datapath *datapath, size_t filter)
{
	return datapath_counts(datapath, filter).packets;
}

/* A rule keeps its counts over commits, by its name or else by its text; a new one starts at 0. */
TEST(counters_belong_to_rules)
{
	struct datapath *datapath = &fixture.datapath[INGRESS];

	commit(datapath, "");
	commit(datapath, "skip dst-port 80\nskip dst-port 443");
	send_packet(datapath, &tcp4, 70);
	assert_int_equal(packets(datapath, 0), 0);
	assert_int_equal(packets(datapath, 1), 70);

	/* in another order, and beside others */
	commit(datapath, "skip dst-port 443\nskip dst-port 80\nskip dst-port 1");
	send_packet(datapath, &tcp4, 1);
	assert_int_equal(packets(datapath, 0), 71);
	assert_int_equal(packets(datapath, 1), 0);

	/* another rule in its place */
	commit(datapath, "skip dst-port 443 name web");
	assert_int_equal(packets(datapath, 0), 0);
	send_packet(datapath, &tcp4, 5);
	assert_int_equal(packets(datapath, 0), 5);

	/* the same rule, by name */
	commit(datapath, "skip dst-port 81 name x\nskip dst-port 440-450 name web");
	send_packet(datapath, &tcp4, 1);
	assert_int_equal(packets(datapath, 0), 0);
	assert_int_equal(packets(datapath, 1), 6);

	/* the previous ones, with what both have counted meanwhile */
	tables_rollback(datapath->tables);
	assert_int_equal(packets(datapath, 0), 6);

	/* two that are alike are two */
	commit(datapath, "skip dst-port 443\nskip dst-port 443");
	send_packet(datapath, &tcp4, 3);
	commit(datapath, "skip dst-port 443\nskip dst-port 443\nskip dst-port 443");
	assert_int_equal(packets(datapath, 0), 3);
	assert_int_equal(packets(datapath, 1), 0);
	assert_int_equal(packets(datapath, 2), 0);

	/* one that went and comes again is new */
	commit(datapath, "skip dst-port 80");
	commit(datapath, "skip dst-port 443");
	assert_int_equal(packets(datapath, 0), 0);
}

/* A later fragment counts for the rule of the first one, but not for another one that has its counter now. */
TEST(counters_of_fragments)
{
	struct datapath *datapath = &fixture.datapath[INGRESS];
	struct packet_spec first = tcp4, later = tcp4;

	first.id = later.id = 4711;
	first.more = true;
	later.offset = 3;
	for (int stays = 0; stays < 2; stays++) {
		commit(datapath, "");
		commit(datapath, "skip dst-port 443");
		send_packet(datapath, &first, 1);
		if (stays)
			commit(datapath, "skip dst-port 443\nskip dst-port 80");
		send_packet(datapath, &later, 1);
		assert_int_equal(packets(datapath, 0), 2);
		for (int i = 0; i < 4; i++) {
			char rules[64];

			snprintf(rules, sizeof(rules), "skip name other%d%d", stays, i);
			commit(datapath, rules);
			send_packet(datapath, &later, 1);
			assert_int_equal(packets(datapath, 0), 0);
		}
	}
	/* an older rule that takes its row */
	commit(datapath, "skip dst-port 443\nskip");
	send_packet(datapath, &first, 1);
	commit(datapath, "skip");
	commit(datapath, "skip\nskip dst-port 80");
	send_packet(datapath, &later, 1);
	assert_int_equal(packets(datapath, 0), 0);
}

/* What mirror would have copied, as packets of the wire: with headers of their own, and only the sample. */
TEST(count_counts_copies)
{
	struct datapath *datapath = &fixture.datapath[EGRESS];
	struct ref_packet super;
	struct packet p;

	packet_build(&tcp4, &p);
	super = (struct ref_packet){ .data = p.data, .len = p.len, .gso = true };
	for (int i = 0; i < 2; i++) {
		struct datapath_result r;

		commit(datapath, i ? "count sample 1/4294967295" : "count");
		assert_int_equal(datapath_run(datapath, &super, &r), 0);
		assert_int_equal(r.outcome, i ? OUT_SAMPLED_OUT : OUT_COUNTED);
		assert_int_equal(r.copy.times, 0);
		assert_int_equal(r.filters, i ? 0 : 2);
		assert_int_equal(r.bytes, i ? 0 : p.len + 14 + 20 + 20);
	}
	/* more than one at once are flushed in time */
	commit(datapath, "count name flushed");
	for (int i = 0; i < 3 * MIRROR_FLUSH / 2; i++) {
		struct __sk_buff in = { .gso_size = 100, .gso_segs = 3 };
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.len, .ctx_in = &in,
			    .ctx_size_in = sizeof(in));

		assert_int_equal(bpf_prog_test_run_opts(datapath->select_fd, &opts), 0);
	}
	assert_int_equal(packets(datapath, 0), 3 * 3 * MIRROR_FLUSH / 2);
	assert_true(plain_counter(datapath, "filter_packets", datapath_counter(datapath, 0)) >
		    3 * MIRROR_FLUSH);
}

TEST(ends_by_itself)
{
	static const struct {
		int64_t seconds;
		enum mirror_outcome outcome;
	} ends[] = { { -1, OUT_DISABLED }, { 3600, OUT_SKIPPED }, { 0, OUT_SKIPPED } };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct configuration *c = datapath_configuration("skip");
		struct packet p;
		struct ref_packet packet = { .data = p.data };

		assert_non_null(c);
		if (ends[i].seconds)
			c->until_ns = clock_ns(CLOCK_MONOTONIC) + ends[i].seconds * SECOND_NS;
		packet_build(&tcp4, &p);
		packet.len = p.len;
		for (int d = 0; d < DIRECTIONS; d++) {
			struct datapath_result r;

			assert_int_equal(tables_commit(fixture.datapath[d].tables, c, false), 0);
			assert_int_equal(datapath_run(&fixture.datapath[d], &packet, &r), 0);
			assert_int_equal(r.outcome, ends[i].outcome);
		}
		configuration_free(c);
	}
}

/* The kernel allows 33 tail calls: a root and 32 programs, one of which makes a copy. */
TEST(longest_chain)
{
	enum { BEFORE = 31 };
	struct bpf_object *chain[BEFORE];
	struct datapath_result r;
	struct packet p;

	packet_build(&tcp4, &p);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.len);
	group_commit("mirror to d0");
	for (int i = BEFORE - 1, next = fixture.datapath[INGRESS].select_fd; i >= 0; i--) {
		chain[i] = build_load("select/tests/probe.bpf.o");
		assert_non_null(chain[i]);
		assert_int_equal(chain_to(bpf_object__find_map_fd_by_name(chain[i], "chain"), next), 0);
		next = build_program(chain[i], "probe_root");
	}
	assert_int_equal(datapath_clear(&fixture.datapath[INGRESS]), 0);
	assert_int_equal(bpf_prog_test_run_opts(build_program(chain[0], "probe_root"), &opts), 0);
	assert_int_equal(opts.retval, CHAIN_VERDICT);
	assert_int_equal(datapath_read(&fixture.datapath[INGRESS], &r), 0);
	assert_int_equal(r.outcome, OUT_DEVICE);
	for (int i = 0; i < BEFORE; i++)
		bpf_object__close(chain[i]);
}

/* The end of the chain leaves the packet to other users of the hook. */
TEST(end_of_chain)
{
	struct packet p;
	__u32 zero = 0;

	packet_build(&tcp4, &p);
	for (int d = 0; d < DIRECTIONS; d++) {
		static const char *const rules[] = { "", "mirror to d0", "skip", "mirror dst-port 1 to d0" };

		assert_int_equal(bpf_map_delete_elem(datapath_map(&fixture.datapath[d], "jmp_table"), &zero),
				 0);
		for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
			LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.len);

			commit(&fixture.datapath[d], rules[i]);
			assert_int_equal(bpf_prog_test_run_opts(fixture.datapath[d].select_fd, &opts), 0);
			assert_int_equal((int)opts.retval, -1); /* TC_ACT_UNSPEC */
		}
		assert_int_equal(chain_to(datapath_map(&fixture.datapath[d], "jmp_table"),
					  build_program(fixture.datapath[d].probe, "probe_after")),
				 0);
	}
}

TEST_MAIN(group_enter, group_leave)
