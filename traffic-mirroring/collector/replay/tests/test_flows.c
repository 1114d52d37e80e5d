/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Connections as scripts of segments: which requests come out, and that every byte is counted. */
#include "../flows.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "../../../../common/clock.h"
#include "../../../../common/log.h"
#include "../../../../common/tests/unit.h"
#include "../../counters/tally.h"

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define HALF "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12"
#define REST "345"
#define MEGABYTE (1U << 20)

static unsigned int found;
static bool raw; /* flows are */
static char passed_on[512];
static char ended; /* the last raw flow: '.': as a whole, '!': not */
static uint64_t now_ns;
static struct memory memory;
static struct flows *flows;

static void on_begin(void *context, struct flow *flow)
{
	(void)context;
	flow->raw = raw;
}

static void on_request(void *context, struct flow *flow, const struct http_request *request)
{
	(void)context;
	(void)flow;
	(void)request;
	found++;
}

static void on_data(void *context, struct flow *flow, const uint8_t *at, uint32_t len)
{
	(void)context;
	assert_int_equal(flow->begun, *passed_on != '\0');
	strncat(passed_on, (const char *)at, len);
}

static void on_end(void *context, struct flow *flow, bool whole)
{
	(void)context;
	(void)flow;
	assert_false(raw && ended);
	ended = whole ? '.' : '!';
}

static const struct flows_sink sink = { on_begin, on_request, on_data, on_end, NULL };

static void begin(uint32_t max, size_t limit)
{
	const struct flows_options options = { max, 4096, { 65536, SECOND_NS } };

	found = 0;
	now_ns = 1000 * SECOND_NS;
	memory = (struct memory){ .limit = limit };
	flows = flows_new(&options, &memory, &sink);
	assert_non_null(flows);
}

static void end(void)
{
	flows_free(flows);
	assert_int_equal(memory.used, 0);
}

/* ack: what the client has received. Copied, so that reading beyond it is noticed. */
static void segment(uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack, const char *text)
{
	uint8_t payload[512];
	struct segment s = {
		.key = { .family = 4, .src_port = port, .dst_port = 80 },
		.seq = seq,
		.ack = ack,
		.wire_len = strlen(text),
		.len = strlen(text),
		.flags = flags | (flags & TH_SYN ? 0 : TH_ACK),
		.payload = payload,
	};

	memcpy(payload, text, s.len);
	now_ns += 1000;
	flows_segment(flows, &s, 0, now_ns);
}

static uint64_t bytes_counted(void)
{
	return tally_sum(TALLY_BYTES_REQUESTS) + tally_sum(TALLY_BYTES_TCP) + tally_sum(TALLY_BYTES_SKIPPED) +
	       tally_sum(TALLY_BYTES_MISSING);
}

TEST(uploads_survive_a_flood)
{
	begin(64, MEGABYTE);
	for (uint16_t port = 1; port <= 20; port++) {
		segment(port, TH_SYN, 0, 0, "");
		segment(port, 0, 1, 1, HALF);
	}
	for (uint16_t port = 1000; port < 9000; port++)
		segment(port, TH_SYN, 0, 0, "");
	for (uint16_t port = 1; port <= 20; port++)
		segment(port, 0, 1 + strlen(HALF), 1, REST);
	assert_int_equal(found, 20);
	end();
}

TEST(half_requests_make_room)
{
	begin(10000, MEGABYTE);
	for (uint16_t port = 1000; port < 6000; port++) {
		segment(port, TH_SYN, 0, 0, "");
		segment(port, 0, 1, 1, HALF);
	}
	for (uint16_t port = 1; port <= 300; port++) {
		segment(port, TH_SYN, 0, 0, "");
		segment(port, 0, 1, 1, GET);
	}
	assert_int_equal(found, 300);
	end();
}

/* Segments that anybody could send, between two halves of a request. */
TEST(forged_segments_steer_nothing)
{
	static const struct {
		const char *name, *text;
		uint32_t seq, ack;
		uint8_t flags;
	} rows[] = {
		{ "a reset far ahead", "", 500 * MEGABYTE, 1, TH_RST },
		{ "a reset near by", "", 2, 1, TH_RST },
		{ "an old FIN", "", 5, 1, TH_FIN },
		{ "a FIN far ahead", "", 500 * MEGABYTE, 1, TH_FIN },
		{ "a SYN", "", 700 * MEGABYTE, 0, TH_SYN },
		{ "data far ahead", "x", 500 * MEGABYTE, 1, 0 },
		{ "data that acknowledges too much", "x", 100, 500 * MEGABYTE, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t before = bytes_counted();

		print_message("  %s\n", rows[i].name);
		begin(8, MEGABYTE);
		segment(1, TH_SYN, 0, 0, "");
		segment(1, 0, 1, 1, HALF);
		segment(1, rows[i].flags, rows[i].seq, rows[i].ack, rows[i].text);
		now_ns += 2 * SECOND_NS;
		flows_expire(flows, now_ns);
		segment(1, 0, 1 + strlen(HALF), 1, REST);
		assert_int_equal(found, 1);
		end();
		assert_int_equal(bytes_counted() - before, strlen(HALF REST) + strlen(rows[i].text));
	}
}

TEST(own_reset_ends)
{
	begin(8, MEGABYTE);
	segment(1, TH_SYN, 0, 0, "");
	segment(1, 0, 1, 1, HALF);
	segment(1, TH_RST, 1 + strlen(HALF), 1, "");
	segment(1, 0, 1 + strlen(HALF), 1, REST);
	assert_int_equal(found, 0);
	end();
}

/* The same ports again: after a FIN, without one, and with a SYN of which no copy came. */
TEST(ports_are_reused)
{
	uint64_t before = bytes_counted();

	begin(8, MEGABYTE);
	segment(1, TH_SYN, 0, 0, "");
	segment(1, 0, 1, 1, GET);
	segment(1, TH_FIN, 1 + strlen(GET), 100, "");
	segment(1, 0, 1, 1, GET); /* a late copy */
	segment(1, TH_SYN, 900000, 0, "");
	segment(1, 0, 900001, 1, GET);
	segment(1, TH_SYN, 5000000, 0, "");
	segment(1, 0, 5000001, 1, GET);
	assert_int_equal(found, 3);
	segment(1, TH_FIN, 5000001 + strlen(GET), 100, "");
	segment(1, 0, 90 * MEGABYTE, 1, GET); /* in the middle: not certain, but counted */
	assert_int_equal(found, 3);
	end();
	assert_int_equal(bytes_counted() - before, 4 * strlen(GET));
}

static void connect_and_get(uint16_t port)
{
	segment(port, TH_SYN, 0, 0, "");
	segment(port, 0, 1, 1, GET);
}

/* A connection that has had a request gives way only after a minute without a segment. */
TEST(proven_flows_stay)
{
	begin(4, MEGABYTE);
	for (uint16_t port = 1; port <= 5; port++)
		connect_and_get(port);
	assert_int_equal(found, 4);
	now_ns += 60 * SECOND_NS;
	connect_and_get(6);
	assert_int_equal(found, 5);
	end();
}

TEST(late_copies_begin_no_flow)
{
	uint64_t flows_before = tally_sum(TALLY_FLOWS);

	begin(8, MEGABYTE);
	connect_and_get(1);
	segment(1, TH_FIN, 1 + strlen(GET), 100, "");
	flows_expire(flows, now_ns);
	connect_and_get(1);
	segment(1, TH_FIN, 1 + strlen(GET), 100, "");
	assert_int_equal(found, 1);
	assert_int_equal(tally_sum(TALLY_FLOWS) - flows_before, 1);
	end();
}

TEST(silent_flows_end_after_five_minutes)
{
	begin(8, MEGABYTE);
	connect_and_get(1);
	now_ns += 299 * SECOND_NS;
	flows_expire(flows, now_ns);
	segment(1, 0, 1 + strlen(GET), 100, GET);
	assert_int_equal(found, 2);
	now_ns += 300 * SECOND_NS;
	flows_expire(flows, now_ns);
	assert_int_equal(memory.used, 0);
	end();
}

/* Of any protocol: what is passed on, up to the first byte that is missing, and how it ends. */
TEST(raw_streams_are_never_spliced)
{
	static const struct {
		const char *passed_on;
		char ended;
		uint32_t bytes, gaps;
		const char *name;
		struct {
			uint8_t flags;
			uint32_t seq; /* 0: of the SYN, 1: of the first byte */
			const char *text;
		} segment[6];
	} rows[] = {
		{ "abcde", '.', 5, 0, "in order", { { TH_SYN, 0, "" }, { 0, 1, "abc" }, { TH_FIN, 4, "de" } } },
		{ "abcde", '.', 5, 0, "a SYN with data", { { TH_SYN, 0, "abc" }, { TH_FIN, 4, "de" } } },
		{ "abcde",
		  '.',
		  5,
		  0,
		  "out of order, and twice",
		  { { TH_SYN, 0, "" }, { 0, 4, "d" }, { 0, 1, "abc" }, { 0, 2, "bcd" }, { TH_FIN, 5, "e" } } },
		{ "a",
		  '!',
		  5,
		  1,
		  "a gap",
		  { { TH_SYN, 0, "" }, { 0, 1, "a" }, { 0, 3, "c" }, { TH_FIN, 4, "de" } } },
		{ "abc", '!', 4, 1, "no end", { { TH_SYN, 0, "" }, { 0, 1, "abc" }, { TH_FIN, 5, "" } } },
		{ "abc", '!', 3, 0, "a reset", { { TH_SYN, 0, "" }, { 0, 1, "abc" }, { TH_RST, 4, "" } } },
		{ "abc", '!', 3, 0, "open at the end", { { TH_SYN, 0, "" }, { 0, 1, "abc" } } },
		{ "", '\0', 5, 0, "from the middle", { { 0, 1, "abc" }, { TH_FIN, 4, "de" } } },
	};

	raw = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t bytes = bytes_counted(), gaps = tally_sum(TALLY_STREAMS_GAP);

		print_message("  %s\n", rows[i].name);
		*passed_on = ended = '\0';
		begin(8, MEGABYTE);
		for (int n = 0; n < 6 && rows[i].segment[n].text; n++)
			segment(1, rows[i].segment[n].flags, rows[i].segment[n].seq, 1,
				rows[i].segment[n].text);
		now_ns += 2 * SECOND_NS;
		flows_expire(flows, now_ns);
		end();
		assert_string_equal(passed_on, rows[i].passed_on);
		assert_int_equal(ended, rows[i].ended);
		assert_int_equal(tally_sum(TALLY_STREAMS_GAP) - gaps, rows[i].gaps);
		assert_int_equal(bytes_counted() - bytes, rows[i].bytes);
	}
	raw = false;
}

int main(void)
{
	log_init("", LEVEL_ERROR, NULL);
	return unit_run(NULL, NULL);
}
