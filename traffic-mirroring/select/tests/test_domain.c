// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which filter decides by the name of a flow, and what the sender gets to know of a packet without one. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../../../common/tests/capture.h"
#include "../../../common/tests/unit.h"
#include "../../abi/record.h"
#include "../../host/shared.h"
#include "../../updater/rulesets.h"
#include "group.h"
#include "host_maps.h"

#define SETS 1024

static struct host_maps maps;

/* Their classes, in the order of host_maps.names. */
enum { A = CLASS_FIRST, WWW_A, B };
#define UNKNOWN (-1) /* the flow has no entry */

struct test_case {
	const char *name;
	const char *rules;
	struct packet_spec spec;
	int class;
	enum mirror_outcome outcome;
	int filter; /* counted from 1; 0: none */
	uint64_t candidates;
	const char *payload; /* its first bytes */
};

#define IP(version, protocol, from, to, ...)                                                                 \
	{                                                                                                    \
		.family = version, .proto = protocol, .src = from, .dst = to, .src_port = 40000, __VA_ARGS__ \
	}
#define IP4(proto, ...) IP(4, proto, "192.0.2.1", "198.51.100.1", __VA_ARGS__)
#define IP6(proto, ...) IP(6, proto, "2001:db8::1", "2001:db8:1::1", __VA_ARGS__)
#define HTTPS .dst_port = 443, .payload = 12
#define TCP4(...) IP4(IPPROTO_TCP, HTTPS, .tcp_flags = 0x10, __VA_ARGS__)
#define TCP6(...) IP6(IPPROTO_TCP, HTTPS, .tcp_flags = 0x10, __VA_ARGS__)
#define UDP4(...) IP4(IPPROTO_UDP, HTTPS, __VA_ARGS__)
#define BECOMES(out, by) .outcome = out, .filter = by
#define YES BECOMES(OUT_DEVICE, 1)
#define NO BECOMES(OUT_NO_MATCH, 0)
#define STARTS(text) .payload = text
#define HELD(word) .outcome = OUT_UNDECIDED, .candidates = word

#define ONE "mirror domain a.example to d0"
#define SKIP_B "skip domain *.b.example\nmirror to d0"
#define MANY                                               \
	"mirror dst-port 80 to d0\n"                       \
	"mirror domain a.example dst 198.51.100.1 to d0\n" \
	"skip domain *.b.example\n"                        \
	"mirror domain a.example src 10.0.0.1 to d0\n"     \
	"mirror proto tcp to d1\n"                         \
	"mirror domain www.a.example to d0"

static const struct test_case cases[] = {
	{ "no entry", ONE, TCP4(), UNKNOWN, HELD(1) },
	{ "no entry, IPv6", ONE, TCP6(), UNKNOWN, HELD(1) },
	{ "no entry, UDP", ONE, UDP4(), UNKNOWN, HELD(1) },
	{ "undecided", ONE, TCP4(), CLASS_UNDECIDED, HELD(1) },
	{ "its name", ONE, TCP4(), A, YES },
	{ "its name, IPv6", ONE, TCP6(), A, YES },
	{ "its name, UDP", ONE, UDP4(), A, YES },
	{ "another name", ONE, TCP4(), B, NO },
	{ "a name below an exact one", ONE, TCP4(), WWW_A, NO },
	{ "a name below a suffix", "mirror domain *.a.example to d0", TCP4(), WWW_A, YES },
	{ "one of several names", "mirror domain x.example,*.b.example to d0", TCP4(), B, YES },
	{ "no name", ONE, TCP4(), CLASS_NONE, NO },
	{ "no name, the next filter", ONE "\nmirror to d1", TCP4(), CLASS_NONE, BECOMES(OUT_DEVICE, 2) },
	{ "seen first in its middle", ONE, TCP4(), CLASS_MIDDLE, NO },
	{ "in its middle, a request", ONE, TCP4(), CLASS_MIDDLE, HELD(1), STARTS("GET /") },
	{ "in its middle, a long method", ONE, TCP4(), CLASS_MIDDLE, HELD(1), STARTS("OPTIONS /") },
	{ "in its middle, a shorter payload", ONE, IP4(IPPROTO_TCP, .dst_port = 443, .payload = 3),
	  CLASS_MIDDLE, NO, STARTS("GET") },
	{ "in its middle, something else", ONE, TCP4(), CLASS_MIDDLE, NO, STARTS("get /") },
	{ "in its middle, UDP", ONE, UDP4(), CLASS_MIDDLE, NO, STARTS("GET /") },
	{ "a request of a decided flow", ONE, TCP4(), B, NO, STARTS("GET /") },
	{ "other protocols have no names", ONE, IP4(IPPROTO_SCTP, HTTPS), UNKNOWN, NO },
	{ "ICMP has no name", ONE, IP4(IPPROTO_ICMP, .payload = 12, .icmp_type = 8), UNKNOWN, NO },
	{ "an ICMP error goes to the sender", ONE, IP4(IPPROTO_ICMP, .payload = 12, .icmp_type = 3), UNKNOWN,
	  HELD(1) },
	{ "an ICMPv6 error", ONE, IP6(IPPROTO_ICMPV6, .payload = 12, .icmp_type = 2), UNKNOWN, HELD(1) },
	{ "not IP", ONE, { .ethertype = 0x0806, .payload = 46 }, UNKNOWN, NO },
	{ "other dimensions first", "mirror domain a.example dst-port 80 to d0", TCP4(), A, NO },
	{ "and addresses", "mirror domain a.example dst 10.0.0.1 to d0", TCP4(), UNKNOWN, NO },
	{ "a skip by name", SKIP_B, TCP4(), B, BECOMES(OUT_SKIPPED, 1) },
	{ "a skip by another name", SKIP_B, TCP4(), A, BECOMES(OUT_DEVICE, 2) },
	{ "a skip by name, no entry", SKIP_B, TCP4(), UNKNOWN, HELD(3) },
	{ "nothing to copy", "skip domain a.example\nskip", TCP4(), UNKNOWN, BECOMES(OUT_SKIPPED, 2) },
	{ "nothing to copy, no match", "skip domain a.example", TCP4(), UNKNOWN, NO },
	{ "an earlier filter decides", "mirror to d0\nskip domain a.example", TCP4(), A, YES },
	{ "an earlier filter decides without an entry", "mirror to d0\nskip domain a.example", TCP4(),
	  UNKNOWN, YES },
	/* addresses must be exact beyond the lowest filter, too */
	{ "many, no entry", MANY, TCP4(), UNKNOWN, HELD(0x16) },
	{ "many, first name", MANY, TCP4(), A, BECOMES(OUT_DEVICE, 2) },
	{ "many, second name", MANY, TCP4(), B, BECOMES(OUT_SKIPPED, 3) },
	{ "many, third name", MANY, TCP4(), WWW_A, BECOMES(OUT_DEVICE, 5) },
	{ "many, none", MANY, TCP4(), CLASS_NONE, BECOMES(OUT_DEVICE, 5) },
	{ "many, none, UDP", MANY, UDP4(), CLASS_NONE, NO },
	{ "many, third name, UDP", MANY, UDP4(), WWW_A, BECOMES(OUT_DEVICE, 6) },
	{ "many, no entry, UDP", MANY, UDP4(), UNKNOWN, HELD(0x26) },
	{ "VLAN in the packet", ONE, TCP4(.tag = { { 0x8100, 7 } }), UNKNOWN, HELD(1) },
	{ "VLAN in the packet, its name", ONE, TCP4(.tag = { { 0x8100, 7 } }), A, YES },
	{ "extension headers", ONE, TCP6(.extension = { 60 }, .n_extensions = 1), A, YES },
};

static struct ref_flow flow_of(const struct packet_spec *s)
{
	struct ref_flow flow = { .family = s->family, .proto = s->proto };
	bool ports = s->proto == IPPROTO_TCP || s->proto == IPPROTO_UDP;

	inet_pton(s->family == 6 ? AF_INET6 : AF_INET, s->src, flow.end[0].addr);
	inet_pton(s->family == 6 ? AF_INET6 : AF_INET, s->dst, flow.end[1].addr);
	flow.end[0].port = ports ? s->src_port : 0;
	flow.end[1].port = ports ? s->dst_port : 0;
	return flow;
}

static uint64_t hash_of(const struct packet_spec *s)
{
	struct ref_flow flow = flow_of(s);

	return host_maps_hash(&flow);
}

static struct packet_spec turned(struct packet_spec s)
{
	struct packet_spec t = s;

	memcpy(t.src, s.dst, sizeof(t.src));
	memcpy(t.dst, s.src, sizeof(t.dst));
	t.src_port = s.dst_port;
	t.dst_port = s.src_port;
	return t;
}

static int enter(void **state)
{
	static const char *const names[] = { "a.example", "www.a.example", "*.b.example" };
	int error = group_enter(state) ?: host_maps_open(&maps, &fixture, SETS);

	maps.n_names = 3;
	memcpy(maps.names, names, sizeof(names));
	return error;
}

static int leave(void **state)
{
	host_maps_close(&maps);
	return group_leave(state);
}

static void commit(const char *rules)
{
	for (int d = 0; d < DIRECTIONS; d++)
		if (host_maps_commit(&maps, d, rules))
			fail_msg("not committed: %s", rules);
}

/* Everything that the sender is told of a packet. */
static bool is_told(enum direction d, const struct packet *p, uint64_t hash, uint64_t candidates)
{
	struct mirror_config config = tables_config(fixture.datapath[d].tables);
	const struct mirror_record *r = &maps.record;
	uint32_t flags = RECORD_UNDECIDED | (config.bank ? RECORD_BANK : 0) |
			 (d == EGRESS ? RECORD_EGRESS : 0);

	return r->flags == flags && r->candidates == candidates && r->tag == flow_tag(hash) &&
	       r->hash == (uint32_t)hash && r->generation == (uint16_t)config.generation &&
	       r->ruleset == host_maps_ruleset(d) && r->seen && !r->filter && !r->group && !r->snaplen &&
	       !r->segments && r->wire_len == p->len && r->cap_len == p->len &&
	       !memcmp(maps.data, p->data, p->len);
}

static bool runs_as(const struct test_case *c, enum direction d, const struct packet_spec *spec)
{
	uint64_t hash = hash_of(spec);
	struct datapath_result r;
	struct packet p;
	struct ref_packet packet = { .data = p.data };

	host_maps_clear(&maps);
	if (c->class != UNKNOWN)
		host_maps_decide(&maps, hash, c->class);
	packet_build(spec, &p);
	packet.len = p.len;
	if (c->payload)
		memcpy(p.data + p.l4 + packet_l4_size(spec->family, spec->proto), c->payload,
		       strlen(c->payload));
	r = group_packet(d, &packet);
	return r.outcome == c->outcome && r.filter + 1 == c->filter &&
	       host_maps_records(&maps) == (c->outcome == OUT_UNDECIDED) &&
	       (c->outcome != OUT_UNDECIDED || is_told(d, &p, hash, c->candidates));
}

TEST(names)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet_spec back = turned(cases[i].spec);
		bool turns = !strchr(cases[i].rules, '\n') && !strstr(cases[i].rules, "dst");

		commit(cases[i].rules);
		for (int d = 0; d < DIRECTIONS; d++) {
			if (runs_as(&cases[i], d, &cases[i].spec) && (!turns || runs_as(&cases[i], d, &back)))
				continue;
			printf("# %s, %s\n", cases[i].name, direction_names[d]);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* A tag beside the data, and the packet's own length, come with the record. */
TEST(tagged)
{
	struct packet_spec s = TCP4();

	commit(ONE);
	host_maps_clear(&maps);
	assert_int_equal(group_tagged(INGRESS, &s, 5).outcome, OUT_UNDECIDED);
	assert_int_equal(host_maps_records(&maps), 1);
	assert_int_equal(maps.record.vlan_tci, 5);
	assert_int_not_equal(maps.record.vlan_proto, 0);
}

static enum mirror_outcome with_flags(struct packet_spec s, uint8_t flags)
{
	s.tcp_flags = flags;
	return group_spec(INGRESS, &s).outcome;
}

/* Whichever filter decides about it, or none. */
TEST(connection_begins)
{
	static const struct {
		const char *rules;
		enum mirror_outcome outcome;
	} all[] = { { ONE, OUT_UNDECIDED },
		    { "skip tcp-flags syn/syn,ack\n" ONE, OUT_SKIPPED },
		    { "mirror domain a.example tcp-flags none/syn to d0", OUT_NO_MATCH },
		    { "skip domain a.example", OUT_NO_MATCH } };
	const struct packet_spec s = TCP4();

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		commit(all[i].rules);
		host_maps_clear(&maps);
		host_maps_decide(&maps, hash_of(&s), B);
		with_flags(s, 0x12);
		with_flags(s, 0x11);
		assert_non_null(host_maps_flow(&maps, hash_of(&s)));
		assert_int_equal(with_flags(s, 0xc2), all[i].outcome);
		assert_null(host_maps_flow(&maps, hash_of(&s)));
	}
	/* rules without domain free nothing */
	commit("skip dst-port 443");
	host_maps_decide(&maps, hash_of(&s), B);
	with_flags(s, 0x02);
	assert_non_null(host_maps_flow(&maps, hash_of(&s)));
	host_maps_records(&maps);
}

/* What is at the place of the flags in UDP is payload. */
TEST(datagrams_begin_nothing)
{
	const struct packet_spec s = UDP4();
	struct packet p;
	struct ref_packet packet = { .data = p.data };

	commit(ONE);
	host_maps_clear(&maps);
	host_maps_decide(&maps, hash_of(&s), A);
	packet_build(&s, &p);
	p.data[p.l4 + 13] = 0x02;
	packet.len = p.len;
	assert_int_equal(group_packet(INGRESS, &packet).outcome, OUT_DEVICE);
	assert_non_null(host_maps_flow(&maps, hash_of(&s)));
}

/* Bytes after the IP packet are not a request. */
TEST(padding)
{
	const struct packet_spec s = TCP4();
	struct packet p;
	struct ref_packet packet = { .data = p.data };

	commit(ONE);
	host_maps_clear(&maps);
	host_maps_decide(&maps, hash_of(&s), CLASS_MIDDLE);
	packet_build(&s, &p);
	memcpy(p.data + p.l4 + 20, "GET /", 5);
	packet.len = p.len;
	packet_cut(&p, p.l4 + 20 + 3);
	packet_fit(&p);
	assert_int_equal(group_packet(INGRESS, &packet).outcome, OUT_NO_MATCH);
}

TEST(entries_say_when_they_were_used)
{
	const struct packet_spec s = TCP4();
	struct mirror_flow *flow;

	commit(ONE);
	host_maps_clear(&maps);
	host_maps_decide(&maps, hash_of(&s), A);
	flow = host_maps_flow(&maps, hash_of(&s));
	flow->seen = 0;
	group_spec(INGRESS, &s);
	assert_int_not_equal(flow->seen, 0);
	assert_int_equal(flow->class, A);
}

/* Later fragments have no ports: they go where the first one went. */
TEST(fragments)
{
	struct packet_spec s = UDP4(.id = 77, .more = true);
	struct packet_spec later = s, other = s;

	commit(ONE);
	later.offset = 185;
	other.id++;
	other.offset = 185;
	host_maps_clear(&maps);
	for (int d = 0; d < DIRECTIONS; d++) {
		assert_int_equal(group_spec(d, &s).outcome, OUT_UNDECIDED);
		assert_int_equal(host_maps_records(&maps), 1);
		assert_int_equal(group_spec(d, &later).outcome, OUT_UNDECIDED);
		assert_int_equal(host_maps_records(&maps), 1);
		assert_int_equal(maps.record.tag, flow_tag(hash_of(&s)));
		assert_int_equal(maps.record.candidates, 1);
		assert_int_equal(group_spec(d, &other).outcome, OUT_FRAGMENT_UNKNOWN);
	}
	s.id = later.id = 78;
	host_maps_decide(&maps, hash_of(&s), A);
	for (int d = 0; d < DIRECTIONS; d++) {
		assert_int_equal(group_spec(d, &s).outcome, OUT_DEVICE);
		assert_int_equal(group_spec(d, &later).outcome, OUT_DEVICE);
	}
}

/* Of the limits only the host's own: to which group a packet goes is not known. */
TEST(shed)
{
	const struct packet_spec s = TCP4();

	commit(ONE);
	host_maps_clear(&maps);
	maps.state->stopped[0] = 1;
	maps.state->group_shed[0] = UINT32_MAX;
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_UNDECIDED);
	maps.state->shed = UINT32_MAX;
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_SHED);
	maps.state->present = 0;
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_NO_SENDER);
	maps.state->present = 1;
	maps.state->shed = maps.state->stopped[0] = maps.state->group_shed[0] = 0;
	assert_int_equal(host_maps_records(&maps), 1);
}

/* The sender does not get our own copies, nor ICMP errors about them. */
TEST(own_copies)
{
	struct packet_spec s = IP4(IPPROTO_UDP, .dst_port = 6080, .payload = 12);
	struct packet_spec error = IP4(IPPROTO_ICMP, .icmp_type = 3);
	struct configuration *c = datapath_configuration(ONE);
	struct packet p, quoted;
	struct ref_packet packet = { .data = p.data };

	assert_non_null(c);
	c->flow_sets = SETS;
	c->n_outers = 1;
	c->outers[0] = (struct mirror_outer){ .family = 4, .proto = IPPROTO_UDP, .port = 6080 };
	inet_pton(AF_INET, s.dst, c->outers[0].addr);
	assert_int_equal(tables_commit(fixture.datapath[INGRESS].tables, c, false), 0);
	configuration_free(c);
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_OWN_COPY);
	packet_build(&s, &quoted);
	error.payload = 4 + quoted.len - quoted.l3;
	packet_build(&error, &p);
	memcpy(p.data + p.l4 + 8, quoted.data + quoted.l3, quoted.len - quoted.l3);
	packet.len = p.len;
	assert_int_equal(group_packet(INGRESS, &packet).outcome, OUT_OWN_COPY);
	assert_int_equal(host_maps_records(&maps), 0);
}

/* A direction keeps its rule set; more directions than there are rule sets for cannot have names. */
TEST(rule_sets)
{
	static struct mirror_ruleset rulesets[MIRROR_MAX_RULESETS];
	static const struct mirror_ruleset unchanged[MIRROR_MAX_RULESETS];
	const struct shared host = { .rulesets = rulesets };
	const struct instance i = { .tables = fixture.datapath[INGRESS].tables };
	struct rulesets_used used;
	bool *last = used.bank[MIRROR_MAX_RULESETS - 1];
	uint16_t chosen = 0;

	memset(&used, true, sizeof(used));
	commit(ONE);
	commit("mirror to d0"); /* the other bank is kept for rollback */
	assert_int_equal(ruleset_choose(&i, &host, &used, &chosen), 0);
	assert_int_equal(chosen, host_maps_ruleset(INGRESS));
	memset(rulesets, 0, sizeof(rulesets));
	commit("mirror to d0");
	last[0] = false;
	capture_start();
	assert_int_equal(ruleset_choose(&i, &host, &used, &chosen), -ENOSPC);
	assert_non_null(strstr(capture_end(), "more than 32 interface directions of this host"));
	assert_memory_equal(rulesets, unchanged, sizeof(rulesets));
	last[1] = false;
	assert_int_equal(ruleset_choose(&i, &host, &used, &chosen), 0);
	assert_int_equal(chosen, MIRROR_MAX_RULESETS - 1);
}

/* Before the updater has linked the maps of the host. */
TEST(no_table)
{
	const struct packet_spec s = TCP4();
	__u32 zero = 0;

	commit(ONE "\nmirror to d1");
	host_maps_decide(&maps, hash_of(&s), A);
	assert_int_equal(bpf_map_delete_elem(datapath_map(&fixture.datapath[INGRESS], "accepts"), &zero), 0);
	assert_int_equal(group_spec(INGRESS, &s).filter, 1);
	assert_int_equal(bpf_map_delete_elem(datapath_map(&fixture.datapath[INGRESS], "flows"), &zero), 0);
	assert_int_equal(group_spec(INGRESS, &s).outcome, OUT_UNDECIDED);
	host_maps_records(&maps);
}

TEST_MAIN(enter, leave)
