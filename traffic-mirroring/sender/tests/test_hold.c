/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Held flows: records go in, what is delivered comes out, with arrays in place of the host's maps. */
#define SETS 65536
#include "../../../common/tests/unit.h"
#include "../hold.h"
#include "hold_arrays.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../common/clock.h"
#include "../../abi/flow_hash.h"
#include "../../wire/bytes.h"
#include "../../wire/tests/hello.h"
#include "../flow_table.h"

#define WANTED "www.wanted.example"
#define GROUP 5
#define OTHER_GROUP 6
#define MS 1000000ULL
#define HEADERS 54 /* Ethernet, IPv4, TCP */

/* The names of the host. */
enum { CLASS_WANTED = CLASS_FIRST, CLASS_SUFFIX, CLASS_OTHER };

static struct shared shared;
static struct deliverer delivery;
static struct hold *hold;
static uint64_t now;

/* What was delivered, up to that many. */
static struct {
	struct mirror_record r;
	const uint8_t *data; /* as deliver() got it */
	uint8_t first[256];
} got[512];
static size_t n_got, n_in_batch;

void deliver(struct deliverer *d, const struct mirror_record *r, uint32_t captured)
{
	assert_ptr_equal(d, &delivery);
	if (n_got < sizeof(got) / sizeof(*got)) {
		got[n_got].r = *r;
		got[n_got].data = r->data;
		memcpy(got[n_got].first, r->data, captured < 256 ? captured : 256);
	}
	n_got++;
	n_in_batch++;
}

/* Reads what the batch refers to: the sanitizer sees if it is gone. */
void batch_send(struct batch *b)
{
	(void)b;
	for (size_t i = n_got - n_in_batch; i < n_got && i < sizeof(got) / sizeof(*got); i++)
		assert_memory_equal(got[i].data, got[i].first, 14);
	n_in_batch = 0;
}

/* ---- the host ---- */

static void put_name(uint16_t class, bool suffix, const char *text)
{
	names[class].suffix = suffix;
	names[class].len = strlen(text);
	memcpy(names[class].text, text, strlen(text));
	state_map.names_generation++;
}

static void put_word(uint16_t ruleset, uint16_t class, int bank, uint64_t word)
{
	accepts[ruleset * MIRROR_MAX_CLASSES + class].bank[bank] = word;
}

static void put_verdict(uint16_t ruleset, int bank, int filter, struct mirror_verdict verdict)
{
	rulesets[ruleset].verdict[bank][filter] = verdict;
}

/* One filter, which mirrors what it accepts. */
static void put_filter(uint16_t ruleset, int bank, uint16_t class, uint32_t group)
{
	put_word(ruleset, class, bank, 1);
	put_verdict(ruleset, bank, 0, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = group });
}

FIXTURE(setup)
{
	memset(flows, 0, sizeof(flows));
	memset(accepts, 0, sizeof(accepts));
	memset(names, 0, sizeof(names));
	memset(rulesets, 0, sizeof(rulesets));
	memset(sent, 0, sizeof(sent));
	memset(&state_map, 0, sizeof(state_map));
	settings = (struct mirror_settings){
		.hold_memory = 1 << 20, .hold_flow = 64 << 10, .hold_packets = 50, .hold_time = 10
	};
	shared = hold_arrays;
	put_name(CLASS_WANTED, false, WANTED);
	put_name(CLASS_SUFFIX, true, "suffix.example");
	put_name(CLASS_OTHER, false, "other.example");
	put_filter(0, 0, CLASS_WANTED, GROUP);
	rulesets[0].generation[0] = 1;
	now = SECOND_NS;
	n_got = n_in_batch = 0;
	hold = hold_new(&shared, &delivery);
	return !hold;
}

FIXTURE(teardown)
{
	batch_send(&delivery.batch);
	hold_free(hold);
	return 0;
}

#define HOLD_TEST(name) TEST_BETWEEN(name, setup, teardown)

/* ---- packets ---- */

struct packet {
	uint32_t flow;
	bool server; /* it sent the packet */
	uint8_t flags;
	uint32_t seq;
	const void *payload;
	size_t len;
	/* of the record */
	uint16_t ruleset, generation;
	uint8_t flags_of_record;
	uint64_t candidates;
	uint16_t gso_size;
};

static struct mirror_record *record;

static void put_ip(const struct packet *p, uint8_t proto, size_t len)
{
	uint32_t client = htonl(0x0a000000 + p->flow), server = htonl(0xc0000201);
	uint16_t ports[2] = { htons(40000), htons(443) };
	struct iphdr ip = { .version = 4, .ihl = 5, .protocol = proto };

	ip.tot_len = htons(sizeof(ip) + len);
	ip.saddr = p->server ? server : client;
	ip.daddr = p->server ? client : server;
	memcpy(record->data + 14, &ip, sizeof(ip));
	memcpy(record->data + 34, &ports[p->server], 2);
	memcpy(record->data + 36, &ports[!p->server], 2);
}

static uint64_t hash_of_record(void)
{
	static struct flow_fragments fragments;
	struct capture c = { record->data, record->cap_len, record->wire_len };
	struct headers h;

	headers_parse(&c, false, &h);
	return flow_hash(&fragments, &c, &h, now);
}

static void build(const struct packet *p, uint8_t proto, size_t l4_size)
{
	uint8_t *at = record->data;
	uint64_t hash;

	memset(at, 0, 34 + l4_size);
	at[12] = 8;
	put_ip(p, proto, l4_size + p->len);
	if (p->len)
		memcpy(at + 34 + l4_size, p->payload, p->len);
	now += MS;
	*record = (struct mirror_record){
		.time_ns = now,
		.wire_len = 34 + l4_size + p->len,
		.cap_len = 34 + l4_size + p->len,
		.ifindex = 2,
		.gso_size = p->gso_size,
		.flags = RECORD_UNDECIDED | p->flags_of_record,
		.ruleset = p->ruleset,
		.candidates = p->candidates ?: 3,
		.generation = p->generation ?: 1,
		.seen = 1000,
	};
	hash = hash_of_record();
	record->hash = hash;
	record->tag = flow_tag(hash);
}

static uint64_t key(void)
{
	return (uint64_t)record->tag << 32 | record->hash;
}

static void take(void)
{
	hold_record(hold, record, record->cap_len);
}

static void build_tcp(const struct packet *p)
{
	build(p, IPPROTO_TCP, 20);
	put32(record->data + 38, p->seq);
	record->data[46] = 5 << 4;
	record->data[47] = p->flags;
}

static void tcp(struct packet p)
{
	build_tcp(&p);
	take();
}

static void udp(struct packet p)
{
	build(&p, IPPROTO_UDP, 8);
	record->data[39] = 8 + p.len;
	take();
}

/* An ICMP error about a flow's packet. */
static void icmp(struct packet p)
{
	uint8_t quoted[28];

	build_tcp(&p);
	memcpy(quoted, record->data + 14, sizeof(quoted));
	p.payload = quoted;
	p.len = sizeof(quoted);
	p.flow += 1 << 16; /* from a router */
	build(&p, IPPROTO_ICMP, 8);
	record->data[34] = ICMP_TIME_EXCEEDED;
	take();
}

static void open_flow(struct packet p)
{
	p.flags = TH_SYN;
	p.seq = 99;
	tcp(p);
	p.server = true;
	p.flags = TH_SYN | TH_ACK;
	tcp(p);
	p.server = false;
	p.flags = TH_ACK;
	p.seq = 100;
	tcp(p);
}

static void send_text(struct packet p, const char *text)
{
	p.flags = TH_ACK | TH_PUSH;
	p.seq = p.seq ?: 100;
	p.payload = text;
	p.len = strlen(text);
	tcp(p);
}

static const char *request_of(const char *host)
{
	static char text[128];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	return text;
}

static void request(struct packet p, const char *host)
{
	send_text(p, request_of(host));
}

/* A whole flow: five records if nothing is dropped. */
static void flow_to(struct packet p, const char *host)
{
	open_flow(p);
	request(p, host);
}

static enum mirror_class class_now(void)
{
	return flow_table_class(&shared, key());
}

static void assert_idle(void)
{
	batch_send(&delivery.batch);
	hold_sent(hold);
	assert_int_equal(hold_bytes(hold), 0);
	assert_int_equal(sent[SENT_UNDECIDED], 0);
}

FIXTURE(allocate)
{
	record = malloc(sizeof(*record) + 70000);
	return !record;
}

FIXTURE(deallocate)
{
	free(record);
	return 0;
}

/* ---- tests ---- */

HOLD_TEST(a_wanted_flow_is_complete_and_in_order)
{
	static const uint8_t flags[] = { TH_SYN, TH_SYN | TH_ACK, TH_ACK, TH_ACK | TH_PUSH,
					 TH_ACK | TH_PUSH };
	const char *text = request_of(WANTED);

	open_flow((struct packet){});
	send_text((struct packet){ .seq = 120 }, text + 20);
	assert_int_equal(n_got, 0);
	assert_int_equal(sent[SENT_UNDECIDED], 1);
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_true(hold_bytes(hold) > 4 * HEADERS);
	tcp((struct packet){ .flags = TH_ACK | TH_PUSH, .seq = 100, .payload = text, .len = 20 });
	assert_int_equal(n_got, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(got[i].first[47], flags[i]);
		assert_int_equal(got[i].r.filter, 1);
		assert_int_equal(got[i].r.group, GROUP);
		assert_int_equal(got[i].r.flags, 0);
		assert_int_equal(got[i].r.snaplen, 0);
		assert_int_equal(got[i].r.time_ns, now - (4 - i) * MS);
	}
	assert_memory_equal(got[3].first + HEADERS, text + 20, 20);
	assert_int_equal(class_now(), CLASS_WANTED);
	assert_int_equal(sent[SENT_NAMES_FOUND], 1);
	assert_int_equal(sent[SENT_HELD_DROPPED], 0);
	assert_idle();
}

HOLD_TEST(tls_over_several_segments)
{
	static uint8_t message[HELLO_MAX], stream[HELLO_MAX];
	size_t len = hello_build(&(struct hello){ .name = WANTED, .padding = 1500 }, message);

	len = hello_records(message, len, 1 << 14, stream);
	open_flow((struct packet){});
	tcp((struct packet){ .flags = TH_ACK, .seq = 1100, .payload = stream + 1000, .len = len - 1000 });
	assert_int_equal(n_got, 0);
	tcp((struct packet){ .flags = TH_ACK, .seq = 100, .payload = stream, .len = 1000 });
	assert_int_equal(n_got, 5);
	assert_int_equal(class_now(), CLASS_WANTED);
}

HOLD_TEST(of_an_unwanted_flow_nothing_leaves)
{
	flow_to((struct packet){ .flow = 1 }, "unknown.example");
	assert_int_equal(class_now(), CLASS_NONE);
	flow_to((struct packet){ .flow = 2 }, "other.example");
	assert_int_equal(class_now(), CLASS_OTHER);
	assert_int_equal(n_got, 0);
	assert_int_equal(sent[SENT_HELD_DROPPED], 8);
	assert_int_equal(sent[SENT_NAMES_FOUND], 2);
	assert_idle();
}

HOLD_TEST(a_flow_without_a_name)
{
	open_flow((struct packet){});
	send_text((struct packet){ .server = true }, "220 mail.example ESMTP\r\n");
	assert_int_equal(class_now(), CLASS_NONE);
	udp((struct packet){ .flow = 1, .payload = "\x12\x34", .len = 2 });
	assert_int_equal(class_now(), CLASS_NONE);
	assert_int_equal(n_got, 0);
	assert_int_equal(sent[SENT_NAMES_NONE], 2);
	assert_idle();
}

HOLD_TEST(records_in_flight_follow_at_once)
{
	flow_to((struct packet){ .flow = 1 }, WANTED);
	flow_to((struct packet){ .flow = 2 }, "other.example");
	n_got = 0;
	send_text((struct packet){ .flow = 2, .server = true }, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(n_got, 0);
	send_text((struct packet){ .flow = 1, .server = true }, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(n_got, 1);
	assert_idle();
}

/* 0: skip WANTED, 1: mirror *.suffix.example, 2: mirror all names and flows without one. */
HOLD_TEST(the_first_filter_that_accepts_decides)
{
	const struct packet all = { .candidates = 7 };
	struct packet p = all;

	put_verdict(0, 0, 0, (struct mirror_verdict){ .action = ACTION_SKIP });
	put_verdict(0, 0, 1, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = GROUP });
	put_verdict(0, 0, 2, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = OTHER_GROUP });
	put_word(0, CLASS_SUFFIX, 0, 2);
	rulesets[0].nodomain[0] = 4;
	flow_to(p, WANTED);
	assert_int_equal(n_got, 0);
	p.flow = 1;
	flow_to(p, "a.suffix.example");
	assert_int_equal(n_got, 4);
	assert_int_equal(got[3].r.group, GROUP);
	assert_int_equal(got[3].r.filter, 2);
	p.flow = 2;
	flow_to(p, "suffix.example");
	assert_int_equal(n_got, 8);
	assert_int_equal(got[7].r.group, OTHER_GROUP);
	assert_int_equal(got[7].r.filter, 3);
	/* not a candidate for the record: another dimension excludes it */
	p.flow = 3;
	p.candidates = 3;
	flow_to(p, "suffix.example");
	assert_int_equal(n_got, 8);
	/* counted, not copied */
	put_verdict(0, 0, 2, (struct mirror_verdict){ .action = ACTION_COUNT, .group = OTHER_GROUP });
	rulesets[0].generation[0] = 2;
	flow_to((struct packet){ .flow = 4, .candidates = 7, .generation = 2 }, "suffix.example");
	assert_int_equal(n_got, 8);
	assert_idle();
}

HOLD_TEST(a_flow_first_seen_in_its_middle)
{
	const char *text = request_of(WANTED);

	send_text((struct packet){}, "the rest of a body");
	assert_int_equal(class_now(), CLASS_MIDDLE);
	send_text((struct packet){ .seq = 200 }, "in flight");
	assert_int_equal(sent[SENT_HELD_DROPPED], 2);
	/* its next request makes it undecided again, until all of it is here */
	tcp((struct packet){ .flags = TH_ACK, .seq = 300, .payload = text, .len = 20 });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_int_equal(sent[SENT_UNDECIDED], 1);
	send_text((struct packet){ .seq = 320 }, text + 20);
	assert_int_equal(n_got, 2);
	assert_int_equal(class_now(), CLASS_WANTED);
	assert_idle();
}

HOLD_TEST(a_new_connection_forgets_the_name_of_the_last)
{
	flow_to((struct packet){}, WANTED);
	n_got = 0;
	flow_to((struct packet){}, "other.example");
	assert_int_equal(n_got, 0);
	assert_int_equal(class_now(), CLASS_OTHER);
	/* the one before was not decided */
	tcp((struct packet){ .flags = TH_SYN, .seq = 5 });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	flow_to((struct packet){}, WANTED);
	assert_int_equal(n_got, 4);
	assert_idle();
}

HOLD_TEST(a_repeated_syn_belongs_to_its_flow)
{
	tcp((struct packet){ .flags = TH_SYN, .seq = 99 });
	flow_to((struct packet){}, WANTED);
	assert_int_equal(n_got, 5);
	assert_idle();
}

HOLD_TEST(flows_that_end_before_their_name)
{
	open_flow((struct packet){ .flow = 1 });
	tcp((struct packet){ .flow = 1, .flags = TH_FIN | TH_ACK, .seq = 100 });
	assert_int_equal(sent[SENT_UNDECIDED], 1);
	tcp((struct packet){ .flow = 1, .server = true, .flags = TH_FIN | TH_ACK });
	assert_int_equal(class_now(), CLASS_NONE);
	open_flow((struct packet){ .flow = 2 });
	tcp((struct packet){ .flow = 2, .flags = TH_RST, .seq = 100 });
	assert_int_equal(class_now(), CLASS_NONE);
	/* a port scan leaves nothing behind */
	tcp((struct packet){ .flow = 3, .flags = TH_SYN });
	tcp((struct packet){ .flow = 3, .server = true, .flags = TH_RST | TH_ACK });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_int_equal(sent[SENT_NAMES_NONE], 3);
	assert_idle();
}

/* The flows themselves were driven out long ago. */
HOLD_TEST(what_follows_a_syn_flood_leaves_nothing_behind)
{
	tcp((struct packet){ .flow = 1, .server = true, .flags = TH_SYN | TH_ACK });
	now += 11 * SECOND_NS;
	hold_expire(hold, now);
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_int_equal(sent[SENT_HOLD_TIMEOUT], 1);
	tcp((struct packet){ .flow = 2, .flags = TH_RST });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_idle();
}

HOLD_TEST(an_icmp_error_belongs_to_the_flow_that_it_quotes)
{
	tcp((struct packet){ .flags = TH_SYN, .seq = 99 });
	icmp((struct packet){ .flags = TH_SYN, .seq = 99 });
	assert_int_equal(sent[SENT_UNDECIDED], 1);
	flow_to((struct packet){}, WANTED);
	assert_int_equal(n_got, 6);
	assert_int_equal(got[1].first[23], IPPROTO_ICMP);
	icmp((struct packet){});
	assert_int_equal(n_got, 7);
	icmp((struct packet){ .flow = 7 }); /* of a flow that nobody knows */
	assert_int_equal(n_got, 7);
	/* it establishes no connection */
	tcp((struct packet){ .flow = 8, .flags = TH_SYN });
	icmp((struct packet){ .flow = 8 });
	hold_expire(hold, now + 11 * SECOND_NS);
	tcp((struct packet){ .flow = 8, .flags = TH_RST });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	assert_idle();
}

HOLD_TEST(an_entry_in_use_gives_way)
{
	shared.flow_sets = 1;
	for (uint32_t i = 0; i < MIRROR_FLOW_WAYS; i++)
		flow_to((struct packet){ .flow = i }, WANTED);
	assert_int_equal(state_map.flow_evictions, 0);
	flow_to((struct packet){ .flow = MIRROR_FLOW_WAYS }, WANTED);
	assert_int_equal(state_map.flow_evictions, 1);
	assert_int_equal(class_now(), CLASS_WANTED);
}

/* ---- limits ---- */

HOLD_TEST(bytes_of_a_flow)
{
	static uint8_t start[1000] = "GET / HTTP/1.1\r\nX: ";
	uint32_t i;

	memset(start + 19, 'x', sizeof(start) - 19);
	settings.hold_packets = 1000;
	open_flow((struct packet){});
	for (i = 0; !sent[SENT_HOLD_FLOW_FULL]; i++)
		tcp((struct packet){ .flags = TH_ACK, .seq = 100, .payload = start, .len = sizeof(start) });
	assert_true(i > 50 && i < 65);
	assert_int_equal(class_now(), CLASS_MIDDLE);
	assert_int_equal(n_got, 0);
	assert_idle();
}

HOLD_TEST(packets_of_a_flow)
{
	open_flow((struct packet){});
	for (int i = 3; i < 50; i++)
		tcp((struct packet){ .flags = TH_ACK, .seq = 100 });
	assert_int_equal(sent[SENT_HOLD_FLOW_FULL], 0);
	tcp((struct packet){ .flags = TH_ACK, .seq = 100 });
	assert_int_equal(sent[SENT_HOLD_FLOW_FULL], 1);
	assert_int_equal(sent[SENT_HELD_DROPPED], 51);
	assert_int_equal(class_now(), CLASS_MIDDLE);
	assert_int_equal(n_got, 0);
	assert_idle();
}

HOLD_TEST(time_of_a_flow)
{
	uint64_t first;

	rulesets[0].nodomain[0] = 2; /* given up, it counts as one without a name */
	put_verdict(0, 0, 1, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = OTHER_GROUP });
	tcp((struct packet){ .flow = 1, .flags = TH_SYN, .seq = 99 });
	open_flow((struct packet){ .flow = 2 });
	first = now;
	now += SECOND_NS;
	open_flow((struct packet){ .flow = 3 });
	hold_expire(hold, first + 10 * SECOND_NS - MS);
	assert_int_equal(sent[SENT_HOLD_TIMEOUT], 1);
	assert_int_equal(n_got, 1);
	hold_expire(hold, first + 10 * SECOND_NS + MS);
	assert_int_equal(sent[SENT_HOLD_TIMEOUT], 2);
	assert_int_equal(sent[SENT_UNDECIDED], 1);
	assert_int_equal(n_got, 4);
	assert_int_equal(n_in_batch, 0);
	assert_int_equal(got[3].r.group, OTHER_GROUP);
	hold_expire(hold, now + 10 * SECOND_NS + 1);
	assert_int_equal(class_now(), CLASS_MIDDLE);
	assert_idle();
}

HOLD_TEST(memory_of_all_flows)
{
	static uint8_t body[8000] = "GET / HTTP/1.1\r\nX: ";
	uint32_t i;

	memset(body + 19, 'x', sizeof(body) - 19);
	open_flow((struct packet){ .flow = 1 });
	for (i = 2; !sent[SENT_HOLD_FULL]; i++) {
		tcp((struct packet){ .flow = i, .flags = TH_SYN, .payload = body, .len = sizeof(body) });
		assert_true(hold_bytes(hold) <= settings.hold_memory);
	}
	/* flow 2 is the oldest of which only the SYN was seen */
	request((struct packet){ .flow = 1 }, WANTED);
	assert_int_equal(n_got, 4);
	assert_int_equal(sent[SENT_HELD_LOST], 1);
	assert_int_equal(sent[SENT_UNDECIDED], i - 3);
	hold_end(hold);
	/* without such, the oldest of all */
	for (i = 100; sent[SENT_HOLD_FULL] < 2; i++)
		tcp((struct packet){ .flow = i, .flags = TH_ACK, .payload = body, .len = sizeof(body) });
	tcp((struct packet){ .flow = 100, .flags = TH_ACK });
	assert_int_equal(class_now(), CLASS_MIDDLE);
	tcp((struct packet){ .flow = 101, .flags = TH_ACK });
	assert_int_equal(class_now(), CLASS_UNDECIDED);
	hold_end(hold);
	assert_idle();
}

/* A million SYNs; in between, one packet in a thousand is of a flow that is wanted. */
HOLD_TEST(a_syn_flood_drives_out_itself)
{
	enum { FLOWS = 1000, SYNS = 1000000, PACKETS = 4 };
	struct packet p = {};
	size_t wanted = 0;

	settings.hold_memory = 4 << 20;
	for (uint32_t i = 0; i < SYNS; i++) {
		tcp((struct packet){ .flow = 100000 + i, .flags = TH_SYN, .seq = i });
		if (hold_bytes(hold) > settings.hold_memory)
			fail();
		if (i % (SYNS / FLOWS / PACKETS))
			continue;
		/* four flows at a time, by turns */
		p.flow = wanted / (4 * PACKETS) * 4 + wanted % 4;
		p.server = false;
		switch (wanted++ / 4 % PACKETS) {
		case 0:
			p.flags = TH_SYN;
			p.seq = 99;
			tcp(p);
			break;
		case 1:
			p.server = true;
			p.flags = TH_SYN | TH_ACK;
			tcp(p);
			break;
		case 2:
			p.flags = TH_ACK;
			p.seq = 100;
			tcp(p);
			break;
		case 3:
			request((struct packet){ .flow = p.flow }, WANTED);
		}
	}
	assert_int_equal(n_got, FLOWS * PACKETS);
	assert_true(sent[SENT_HOLD_FULL] > SYNS - 20000);
	assert_int_equal(sent[SENT_HELD_LOST], sent[SENT_HOLD_FULL]);
	assert_int_equal(sent[SENT_HELD_DROPPED], 0);
	hold_end(hold);
	assert_idle();
}

/* ---- commits ---- */

HOLD_TEST(filters_stay_as_they_were_when_the_packet_passed)
{
	open_flow((struct packet){});
	/* two commits later, the bank has other filters, and rule set 0 another bank in force */
	put_word(0, CLASS_WANTED, 0, 0);
	put_verdict(0, 0, 0, (struct mirror_verdict){ .action = ACTION_SKIP });
	rulesets[0].generation[0] = 3;
	request((struct packet){ .generation = 3 }, WANTED);
	assert_int_equal(n_got, 3);
	assert_int_equal(sent[SENT_HELD_DROPPED], 1);
	assert_int_equal(sent[SENT_HELD_STALE], 0);
	/* of neither */
	flow_to((struct packet){ .flow = 1, .generation = 2 }, WANTED);
	assert_int_equal(sent[SENT_HELD_STALE], 4);
	assert_idle();
}

HOLD_TEST(each_record_is_of_its_own_bank)
{
	put_filter(0, 1, CLASS_WANTED, OTHER_GROUP);
	put_word(0, CLASS_OTHER, 1, 1);
	rulesets[0].generation[1] = 2;
	open_flow((struct packet){});
	request((struct packet){ .generation = 2, .flags_of_record = RECORD_BANK }, WANTED);
	assert_int_equal(n_got, 4);
	assert_int_equal(got[2].r.group, GROUP);
	assert_int_equal(got[3].r.group, OTHER_GROUP);
	assert_int_equal(got[3].r.flags & RECORD_UNDECIDED, 0);
	flow_to((struct packet){ .flow = 1, .generation = 2, .flags_of_record = RECORD_BANK },
		"other.example");
	assert_int_equal(n_got, 8);
}

HOLD_TEST(filters_that_are_gone)
{
	rulesets[0].generation[0] = 3;
	open_flow((struct packet){});
	/* being written */
	rulesets[0].generation[0] = RULESET_WRITTEN | 4;
	tcp((struct packet){ .flags = TH_ACK, .seq = 100, .generation = 4 });
	tcp((struct packet){ .flags = TH_ACK, .seq = 100, .ruleset = MIRROR_MAX_RULESETS });
	rulesets[0].generation[0] = 3;
	request((struct packet){ .generation = 3 }, WANTED);
	assert_int_equal(n_got, 1);
	assert_int_equal(sent[SENT_HELD_STALE], 5);
	assert_idle();
}

/* A slot of another interface: its commits count from 1 again. */
HOLD_TEST(another_use_of_a_rule_set)
{
	flow_to((struct packet){ .flow = 1 }, WANTED);
	assert_int_equal(n_got, 4);
	put_word(0, CLASS_WANTED, 0, 0);
	rulesets[0].generation[0] += RULESET_USE;
	flow_to((struct packet){ .flow = 2 }, WANTED);
	assert_int_equal(n_got, 4);
	assert_int_equal(sent[SENT_HELD_STALE], 0);
	assert_idle();
}

HOLD_TEST(two_rule_sets)
{
	put_filter(1, 0, CLASS_WANTED, OTHER_GROUP);
	rulesets[1].generation[0] = 1;
	put_filter(2, 0, CLASS_OTHER, OTHER_GROUP);
	rulesets[2].generation[0] = 1;
	tcp((struct packet){ .flags = TH_SYN, .seq = 99 });
	tcp((struct packet){ .flags = TH_SYN, .seq = 99, .ruleset = 1, .flags_of_record = RECORD_EGRESS });
	tcp((struct packet){ .flags = TH_SYN, .seq = 99, .ruleset = 2 });
	request((struct packet){}, WANTED);
	assert_int_equal(n_got, 3);
	assert_int_equal(got[0].r.group, GROUP);
	assert_int_equal(got[1].r.group, OTHER_GROUP);
	assert_int_equal(got[1].r.flags, RECORD_EGRESS);
	assert_int_equal(got[2].r.group, GROUP);
	assert_idle();
}

/* The host has got a name that another one covers, as the updater does it: words first. */
HOLD_TEST(a_name_that_came_while_the_flow_was_held)
{
	put_filter(0, 0, CLASS_SUFFIX, GROUP);
	flow_to((struct packet){ .flow = 1 }, "www.suffix.example");
	n_got = 0;
	open_flow((struct packet){});
	put_word(0, CLASS_OTHER + 1, 0, 1);
	put_name(CLASS_OTHER + 1, false, "www.suffix.example");
	request((struct packet){}, "www.suffix.example");
	assert_int_equal(class_now(), CLASS_OTHER + 1);
	assert_int_equal(n_got, 4);
	/* if the bank has been filled again since, nobody knows */
	open_flow((struct packet){ .flow = 2 });
	rulesets[0].generation[0] = 3;
	put_name(CLASS_OTHER + 2, false, "ftp.suffix.example");
	request((struct packet){ .flow = 2, .generation = 3 }, "ftp.suffix.example");
	assert_int_equal(n_got, 4);
	assert_int_equal(sent[SENT_HELD_STALE], 3);
	assert_int_equal(sent[SENT_HELD_DROPPED], 1);
	assert_idle();
}

HOLD_TEST(another_sender_takes_over)
{
	open_flow((struct packet){});
	hold_end(hold);
	assert_int_equal(sent[SENT_HELD_LOST], 3);
	assert_int_equal(class_now(), CLASS_UNDECIDED); /* the next sender may still read its name */
	assert_idle();
	request((struct packet){}, WANTED);
	assert_int_equal(n_got, 1);
}

HOLD_TEST(flows_that_another_thread_takes_over)
{
	enum { FLOWS = 16, HELD = 3 };
	uint64_t kept;

	for (int i = 0; i < FLOWS; i++)
		open_flow((struct packet){ .flow = i });
	hold_keep_own(hold);
	assert_int_equal(sent[SENT_UNDECIDED], FLOWS);
	state_map.thread_mask = 1;
	hold_keep_own(hold);
	kept = sent[SENT_UNDECIDED];
	assert_true(kept > 0 && kept < FLOWS);
	assert_int_equal(sent[SENT_HELD_LOST], HELD * (FLOWS - kept));
	for (int i = 0; i < FLOWS; i++)
		request((struct packet){ .flow = i }, WANTED);
	assert_int_equal(n_got, FLOWS + HELD * kept);
	assert_idle();
}

HOLD_TEST(a_host_without_names)
{
	shared.flows = NULL;
	shared.names = NULL;
	shared.accepts = NULL;
	shared.rulesets = NULL;
	flow_to((struct packet){}, WANTED);
	assert_int_equal(n_got, 0);
	assert_int_equal(sent[SENT_HELD_STALE], 4);
	assert_idle();
}

/* ---- what the data path does with other packets ---- */

HOLD_TEST(sample_and_rate_limit)
{
	uint32_t copied = 0;

	put_verdict(0, 0, 0, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = GROUP, .sample = 4 });
	for (uint32_t i = 0; i < 100; i++) {
		n_got = 0;
		flow_to((struct packet){ .flow = i }, WANTED);
		assert_int_equal(n_got, hash_share(record->tag, 4) ? 0 : 4);
		copied += n_got / 4;
	}
	assert_true(copied > 10 && copied < 50);
	put_verdict(0, 0, 0, (struct mirror_verdict){ .action = ACTION_MIRROR, .group = 256 + GROUP });
	rulesets[0].generation[0] = 2;
	state_map.group_shed[GROUP] = UINT32_MAX;
	n_got = 0;
	flow_to((struct packet){ .flow = 1000, .generation = 2 }, WANTED);
	assert_int_equal(n_got, 0);
	state_map.group_shed[GROUP] = 0;
	flow_to((struct packet){ .flow = 1001, .generation = 2 }, WANTED);
	assert_int_equal(n_got, 4);
}

static void put_first(uint32_t first)
{
	put_verdict(0, 0, 0,
		    (struct mirror_verdict){ .action = ACTION_MIRROR, .group = GROUP, .first = first });
}

HOLD_TEST(first_bytes)
{
	static const uint8_t body[1000];
	const struct packet p = { .flags = TH_ACK, .payload = body, .len = 1000, .seq = 5000 };
	struct packet q = p;

	put_first(2500);
	flow_to((struct packet){}, WANTED); /* counts 1 and the request, about 50 */
	tcp(p);
	tcp(p);
	assert_int_equal(n_got, 6);
	q.gso_size = 300; /* the rest begins in its first two segments */
	tcp(q);
	assert_int_equal(n_got, 7);
	assert_int_equal(got[6].r.segments, 2);
	assert_int_equal(got[5].r.segments, 0);
	tcp(p);
	assert_int_equal(n_got, 7);
	q = p;
	q.server = true; /* each direction has its own */
	tcp(q);
	assert_int_equal(n_got, 8);
	q.server = false;
	q.flags_of_record = RECORD_EGRESS; /* and each program */
	tcp(q);
	assert_int_equal(n_got, 9);
	q = p;
	q.flags = TH_ACK | TH_FIN;
	tcp(q);
	assert_int_equal(n_got, 10);
	n_got = 0;
	flow_to((struct packet){}, WANTED); /* its SYN restarts it */
	tcp(p);
	assert_int_equal(n_got, 5);
}

HOLD_TEST(first_packets)
{
	static const uint8_t body[1000];
	struct packet p = { .flags = TH_ACK, .payload = body, .len = 1000, .seq = 5000 };

	put_first(FLOW_PACKETS | 5);
	flow_to((struct packet){}, WANTED); /* two beside the SYN */
	p.gso_size = 250; /* four packets */
	tcp(p);
	assert_int_equal(n_got, 5);
	assert_int_equal(got[4].r.segments, 3);
	tcp(p);
	assert_int_equal(n_got, 5);
}

HOLD_TEST(snaplen_and_headers)
{
	static const struct {
		struct mirror_verdict v;
		uint32_t snaplen;
		uint8_t flags;
	} cases[] = {
		{ { .snaplen = 60 }, 60, 0 },
		{ { .trim = TRIM_HEADERS }, RECORD_HEAD_SIZE, RECORD_HEADERS | RECORD_FIND_HEADERS },
		{ { .trim = TRIM_HEADERS, .snaplen = 10 },
		  RECORD_HEAD_SIZE + 10,
		  RECORD_HEADERS | RECORD_FIND_HEADERS },
		{ { .trim = TRIM_HEADERS | TRIM_ZERO },
		  RECORD_HEAD_SIZE,
		  RECORD_HEADERS | RECORD_FIND_HEADERS | RECORD_ZERO },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mirror_verdict v = cases[i].v;

		v.action = ACTION_MIRROR;
		put_verdict(0, 0, 0, v);
		rulesets[0].generation[0] = i + 1;
		n_got = 0;
		flow_to((struct packet){ .flow = i, .generation = i + 1 }, WANTED);
		assert_int_equal(n_got, 4);
		assert_int_equal(got[0].r.snaplen, cases[i].snaplen);
		assert_int_equal(got[3].r.flags, cases[i].flags);
	}
}

/* More than the batch may refer to. */
HOLD_TEST(a_batch_is_sent_before_it_holds_too_much)
{
	static const uint8_t body[60000];

	flow_to((struct packet){}, WANTED);
	for (int i = 0; i < 20; i++)
		tcp((struct packet){ .flags = TH_ACK, .payload = body, .len = sizeof(body) });
	assert_int_equal(n_got, 24);
	assert_true(n_in_batch < 6);
	assert_true(hold_bytes(hold) < 400000);
	assert_idle();
}

TEST_MAIN(allocate, deallocate)
