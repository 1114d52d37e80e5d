/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Requests in streams, as cases: pieces of a stream, and the requests that are to be found, between brackets.
 */
#include "../requests.h"

#include <stdio.h>
#include <string.h>

#include "../../../../common/log.h"
#include "../../../../common/tests/unit.h"
#include "../rewrite.h"
#include "../../counters/tally.h"

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED                                                                                      \
	"PUT /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n3\r\nabc\r\n0\r\nTrailer: " \
	"t\r\n\r\n"
#define EXPECT "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
#define UPGRADE "GET /f HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define H2C "GET /f HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
#define CONNECT "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n"
#define LONG "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n"
#define LONG_EXPECT "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 15\r\n\r\n"
#define CLOSE "GET /g HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define URL(host) "GET http://" host "/h HTTP/1.1\r\nHost: x\r\n\r\n"
#define TLS "\x16\x03\x01\x02\x01\x01"

static char found[8192];

static void on_request(void *context, const struct http_request *request)
{
	size_t len = strlen(found);

	(void)context;
	snprintf(found + len, sizeof(found) - len, "[%.*s]", (int)request->len, request->bytes);
}

static const struct requests_sink sink = { .request = on_request };

/* In a piece: | at its beginning is a boundary, ~ alone is a gap. */
static void feed(struct requests *r, const char *piece, uint32_t at_a_time, uint32_t limit,
		 struct memory *memory)
{
	bool boundary = *piece == '|';
	size_t len;

	if (!strcmp(piece, "~")) {
		requests_gap(r, 10, memory);
		return;
	}
	piece += boundary;
	for (len = strlen(piece); len; boundary = false) {
		uint32_t n = len < at_a_time ? len : at_a_time;

		requests_data(r, (const uint8_t *)piece, n, boundary, limit, memory, &sink);
		piece += n;
		len -= n;
	}
}

static const struct test_case {
	const char *name;
	bool lost;
	const char *piece[8];
	const char *expected;
	enum tally counted; /* one more than before; TALLIES: none of those that stand for a loss */
	bool whole; /* pieces as they are: their boundaries have a meaning that single bytes have not */
} cases[] = {
	{ "one", false, { GET }, "[" GET "]", .counted = TALLY_REQUESTS },
	{ "keep-alive",
	  false,
	  { GET, "|" HEAD, "|" GET },
	  "[" GET "][" HEAD "][" GET "]",
	  .counted = TALLIES },
	{ "pipelining",
	  false,
	  { GET HEAD POST "12345" GET },
	  "[" GET "][" HEAD "][" POST "12345][" GET "]",
	  .counted = TALLIES },
	{ "a body that looks like a request",
	  false,
	  { "POST /c HTTP/1.0\r\nContent-Length: 28\r\n\r\n", "|" GET },
	  "[POST /c HTTP/1.0\r\nContent-Length: 28\r\n\r\n" GET "]",
	  .counted = TALLY_REQUESTS },
	{ "chunks and a trailer", false, { CHUNKED GET }, "[" CHUNKED "][" GET "]", .counted = TALLIES },
	{ "HTTP/1.0",
	  false,
	  { "GET / HTTP/1.0\r\n\r\n" },
	  "[GET / HTTP/1.0\r\n\r\n]",
	  .counted = TALLY_REQUESTS },
	{ "Connection: close, and more",
	  false,
	  { CLOSE GET },
	  "[" CLOSE "]",
	  .counted = TALLY_FLOWS_UNCERTAIN },
	{ "Connection: close", false, { CLOSE }, "[" CLOSE "]", .counted = TALLIES },
	{ "HTTP/1.0, and more",
	  false,
	  { "GET / HTTP/1.0\r\n\r\n" GET },
	  "[GET / HTTP/1.0\r\n\r\n]",
	  .counted = TALLY_FLOWS_UNCERTAIN },
	{ "a URL", false, { URL("X") GET }, "[" URL("X") "][" GET "]", .counted = TALLIES },
	{ "a URL of another host", false, { URL("y"), GET }, "", .counted = TALLY_REQUESTS_MALFORMED },
	{ "Expect, and the body",
	  false,
	  { EXPECT, "12345", "|" GET },
	  "[" EXPECT "12345][" GET "]",
	  .counted = TALLIES },
	{ "Expect, and a body like a request",
	  false,
	  { EXPECT, "GET /", "|" GET },
	  "[" EXPECT "GET /][" GET "]",
	  .counted = TALLIES },
	{ "Expect, and the rest of a body like a request",
	  false,
	  { EXPECT, "1", "|GET " },
	  "[" EXPECT "1GET ]",
	  .counted = TALLY_REQUESTS,
	  .whole = true },
	{ "Expect, and the next request or a body like one",
	  false,
	  { EXPECT, "|" GET, "|" HEAD },
	  "[" HEAD "]",
	  .counted = TALLY_REQUESTS_DECLINED,
	  .whole = true },
	{ "an upgrade, and what follows it",
	  false,
	  { UPGRADE, "|\x81\x05hello", "more" },
	  "",
	  .counted = TALLY_REQUESTS_UPGRADE },
	{ "an upgrade, and what looks like a request",
	  false,
	  { UPGRADE, "|" GET, "|" GET },
	  "",
	  .counted = TALLY_FLOWS_UNCERTAIN,
	  .whole = true },
	{ "an upgrade to HTTP/2",
	  false,
	  { H2C, "|PRI * HTTP/2.0\r\n" },
	  "[" H2C "]",
	  .counted = TALLY_REQUESTS_UPGRADE },
	{ "a tunnel", false, { CONNECT, "|" TLS }, "", .counted = TALLY_REQUESTS_UPGRADE },
	{ "requests in a tunnel",
	  false,
	  { CONNECT, "|" GET, "|" GET, "|" GET },
	  "",
	  .counted = TALLY_FLOWS_UNCERTAIN,
	  .whole = true },
	{ "a gap within a body", false, { LONG, "~", "67890" GET }, "[" GET "]", .counted = TALLY_GAPS },
	{ "a gap at the end of a body",
	  false,
	  { LONG "12345", "~", GET },
	  "[" GET "]",
	  .counted = TALLY_GAPS },
	{ "a gap beyond a body",
	  false,
	  { POST, "~", "5" GET, "|" GET, "|" HEAD },
	  "[" HEAD "]",
	  .counted = TALLY_REQUESTS_GAP,
	  .whole = true },
	{ "a gap where a body may not come",
	  false,
	  { LONG_EXPECT, "~", "12345" GET, "|" GET, "|" HEAD },
	  "[" HEAD "]",
	  .counted = TALLY_REQUESTS_GAP,
	  .whole = true },
	{ "a gap between requests",
	  false,
	  { GET, "~", GET, "|" GET, "|" HEAD },
	  "[" GET "][" HEAD "]",
	  .counted = TALLY_GAPS,
	  .whole = true },
	{ "a gap in a head, and a body like a request",
	  false,
	  { "POST /c HT", "~", "ength: 28\r\n\r\n", "|" GET, "|" HEAD },
	  "[" HEAD "]",
	  .counted = TALLY_REQUESTS_GAP,
	  .whole = true },
	{ "a gap between boundaries",
	  true,
	  { "|" GET, "~", "|" GET, "|" HEAD },
	  "[" HEAD "]",
	  .counted = TALLY_GAPS,
	  .whole = true },
	{ "in the middle of a stream",
	  true,
	  { GET, "|body", "|" GET, HEAD },
	  "[" GET "][" HEAD "]",
	  .counted = TALLIES,
	  .whole = true },
	{ "a boundary without a request",
	  true,
	  { "|" GET, "|GETTING /a HTTP/1.1\r\n\r\n" },
	  "",
	  .counted = TALLIES },
	{ "closed within a request", false, { POST "123" }, "", .counted = TALLY_REQUESTS_CLOSED },
	{ "not HTTP", false, { "hello\r\n", "|" GET }, "", .counted = TALLY_REQUESTS_MALFORMED },
	{ "HTTP/0.9", false, { "GET /a\r\n\r\n" }, "", .counted = TALLY_REQUESTS_MALFORMED },
	{ "two lengths",
	  false,
	  { "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456" },
	  "",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "length and chunks",
	  false,
	  { "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
	  "",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "a blank before the colon, and what may be the body",
	  false,
	  { "POST / HTTP/1.1\r\nContent-Length : 28\r\n\r\n", GET },
	  "",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "two Hosts",
	  false,
	  { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "|" GET },
	  "",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "a newline in the request line",
	  false,
	  { "GET /a\nb HTTP/1.1\r\n\r\n" },
	  "",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "too large",
	  false,
	  { "POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n", GET },
	  "[" GET "]",
	  .counted = TALLY_REQUESTS_LARGE },
	{ "TLS", false, { TLS, "|" GET }, "", .counted = TALLY_FLOWS_TLS },
	{ "TLS after a request",
	  false,
	  { GET, "|" TLS, "|" GET },
	  "[" GET "]",
	  .counted = TALLY_REQUESTS_MALFORMED },
	{ "bytes like TLS after a request and a gap",
	  false,
	  { GET, "~", TLS, "|x", ("|" GET) },
	  "[" GET "][" GET "]",
	  .counted = TALLY_GAPS,
	  .whole = true },
	{ "TLS in the middle",
	  true,
	  { "\x17\x03\x03\x01\x01..", "|" GET },
	  "",
	  .counted = TALLY_FLOWS_TLS,
	  .whole = true },
	{ "HTTP/2", false, { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "|" GET }, "", .counted = TALLY_FLOWS_HTTP2 },
};

static uint64_t bytes_seen(void)
{
	return tally_sum(TALLY_BYTES_REQUESTS) + tally_sum(TALLY_BYTES_SKIPPED);
}

static uint64_t losses(void)
{
	uint64_t sum = tally_sum(TALLY_GAPS) + tally_sum(TALLY_FLOWS_TLS) + tally_sum(TALLY_FLOWS_HTTP2) +
		       tally_sum(TALLY_FLOWS_UNCERTAIN);

	for (enum tally t = TALLY_REQUESTS_GAP; t <= TALLY_REQUESTS_UPGRADE; t++)
		sum += tally_sum(t);
	return sum;
}

/* The larger one is fed after the small ones, so that "too large" needs a filler of its own. */
static void check(const struct test_case *c, uint32_t at_a_time)
{
	static const char filler[10001] = { [0 ... 9999] = 'z' };
	uint64_t seen = bytes_seen(), lost = losses();
	uint64_t counted = c->counted < TALLIES ? tally_sum(c->counted) : 0;
	struct memory memory = { .limit = 1 << 20 };
	struct requests r;
	size_t len = 0;

	*found = '\0';
	requests_begin(&r, c->lost);
	for (int i = 0; c->piece[i]; i++) {
		const char *piece = c->piece[i];

		if (i == 1 && c->counted == TALLY_REQUESTS_LARGE) {
			feed(&r, filler, 1000, 4096, &memory);
			len += strlen(filler);
		}
		feed(&r, piece, *piece == '|' ? 10000 : at_a_time, 4096, &memory);
		len += strcmp(piece, "~") ? strlen(piece) - (*piece == '|') : 0;
	}
	requests_end(&r, &memory);
	assert_string_equal(found, c->expected);
	assert_int_equal(memory.used, 0);
	assert_int_equal(bytes_seen() - seen, len); /* every byte is accounted for */
	if (c->counted < TALLIES)
		assert_int_equal(tally_sum(c->counted) - counted, 1);
	else
		assert_int_equal(losses() - lost, 0);
}

TEST(streams)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  %s\n", cases[i].name);
		check(&cases[i], 100000);
		if (cases[i].whole)
			continue;
		for (uint32_t n = 1; n < 8; n++)
			check(&cases[i], n);
	}
}

TEST(no_memory)
{
	struct memory memory = { .limit = 1500 };
	uint64_t before = tally_sum(TALLY_REQUESTS_MEMORY);
	struct requests r;

	*found = '\0';
	requests_begin(&r, false);
	feed(&r, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", 1000, 1 << 20, &memory);
	for (int i = 0; i < 5; i++)
		requests_data(&r, (const uint8_t[1000]){ 0 }, 1000, false, 1 << 20, &memory, &sink);
	feed(&r, "|" GET, 1000, 1 << 20, &memory);
	requests_end(&r, &memory);
	assert_string_equal(found, "[" GET "]");
	assert_int_equal(tally_sum(TALLY_REQUESTS_MEMORY) - before, 1);
	assert_int_equal(memory.used, 0);
}

static char rewritten[1024];
static struct rewrite change;

static void rewrite(void *context, const struct http_request *request)
{
	size_t size = rewrite_request(request, &change, NULL);

	(void)context;
	memset(rewritten, '#', sizeof(rewritten));
	assert_int_equal(rewrite_request(request, &change, (uint8_t *)rewritten), size);
	assert_int_equal(rewritten[size], '#');
	rewritten[size] = '\0';
}

TEST(rewrites)
{
	static const struct {
		const char *host, *header, *mark, *request, *expected;
	} rewrite_rows[] = {
		{ NULL, NULL, NULL, GET, GET },
		{ "target:81", NULL, NULL, GET, "GET /a HTTP/1.1\r\nHost: target:81\r\n\r\n" },
		{ "", NULL, NULL, GET, "GET /a HTTP/1.1\r\nHost: \r\n\r\n" },
		{ NULL, "X-Client", NULL, GET, "GET /a HTTP/1.1\r\nX-Client: 192.0.2.1\r\nHost: x\r\n\r\n" },
		{ "t", "X-Client", NULL, POST "12345",
		  "POST /c HTTP/1.1\r\nX-Client: 192.0.2.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n12345" },
		{ "t", NULL, NULL, "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\n\r\n" },
		{ "t", NULL, NULL, "GET / HTTP/1.1\r\nX-Host: h\r\nhOsT:   example.org  \r\nHosts: h\r\n\r\n",
		  "GET / HTTP/1.1\r\nX-Host: h\r\nhOsT:   t  \r\nHosts: h\r\n\r\n" },
		{ "t", NULL, NULL, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "" },
		{ "t", NULL, NULL, "GET / HTTP/1.1\r\nHost:\r\nA: b\r\n\r\n", "" },
		{ "t", NULL, NULL,
		  "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n0\r\nHost: a\r\n\r\n",
		  "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: t\r\n\r\n0\r\nHost: a\r\n\r\n" },
		{ NULL, NULL, NULL, URL("x"), URL("x") },
		{ "t:1", NULL, NULL, URL("x"), "GET http://t:1/h HTTP/1.1\r\nHost: t:1\r\n\r\n" },
		{ "t", "X-Client", NULL, "GET http://a HTTP/1.0\r\n\r\n",
		  "GET http://t HTTP/1.0\r\nX-Client: 192.0.2.1\r\n\r\n" },
		{ NULL, NULL, "Mark", GET, "GET /a HTTP/1.1\r\nMark: 1\r\nHost: x\r\n\r\n" },
		{ "t", "X-Client", "Mark", GET,
		  "GET /a HTTP/1.1\r\nX-Client: 192.0.2.1\r\nMark: 1\r\nHost: t\r\n\r\n" },
	};
	const struct requests_sink rewriter = { .request = rewrite };

	for (size_t i = 0; i < sizeof(rewrite_rows) / sizeof(*rewrite_rows); i++) {
		struct memory memory = { .limit = 1 << 20 };
		const char *bytes = rewrite_rows[i].request;

		change = (struct rewrite){ rewrite_rows[i].host, rewrite_rows[i].header, "192.0.2.1",
					   rewrite_rows[i].mark };
		for (uint32_t n = 1; n < 200; n += 199 - 1) { /* bytewise, and as a whole */
			struct requests r;

			*rewritten = '\0';
			requests_begin(&r, false);
			for (size_t at = 0; at < strlen(bytes); at += n)
				requests_data(&r, (const uint8_t *)bytes + at,
					      strlen(bytes) - at < n ? strlen(bytes) - at : n, false, 4096,
					      &memory, &rewriter);
			requests_end(&r, &memory);
			assert_string_equal(rewritten, rewrite_rows[i].expected);
		}
	}
}

static bool marked;

static void note_mark(void *context, const struct http_request *request)
{
	(void)context;
	marked = rewrite_is_marked(request, "X-Mark");
}

TEST(marks)
{
	static const struct {
		const char *request;
		bool marked;
	} rows[] = {
		{ "GET / HTTP/1.0\r\nX-Mark: 1\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nA: b\r\nx-mark:\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nX-Marks: 1\r\nA: X-Mark: 1\r\n\r\n", false },
		{ "POST / HTTP/1.0\r\nContent-Length: 13\r\n\r\nX-Mark: 1\r\n\r\n", false },
	};
	const struct requests_sink marks_sink = { .request = note_mark };
	struct memory memory = { .limit = 1 << 20 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *bytes = rows[i].request;
		struct requests r;

		marked = !rows[i].marked;
		requests_begin(&r, false);
		requests_data(&r, (const uint8_t *)bytes, strlen(bytes), false, 4096, &memory, &marks_sink);
		requests_end(&r, &memory);
		assert_int_equal(marked, rows[i].marked);
	}
}

int main(void)
{
	log_init("", LEVEL_ERROR, NULL);
	return unit_run(NULL, NULL);
}
