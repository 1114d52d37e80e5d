/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Tables of messages: what is read of each, what is left, and what is known of it then. */
#include "../../../common/tests/unit.h"
#include "../http.h"

#include <stdio.h>
#include <string.h>

#define LINE "GET / HTTP/1.0\r\n" /* HTTP/1.1 would need a Host */
#define POST "POST / HTTP/1.0\r\n"
#define POST11 "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST11 "Transfer-Encoding: chunked\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define SIXTEEN "0123456789abcdef"

/* A string literal and its length: it may hold a zero. */
#define BYTES(text) (text), sizeof(text) - 1

static void feed(struct http *h, const char *bytes, size_t len, size_t at_a_time)
{
	size_t at = 0, before = h->len;

	while (at < len && h->state < HTTP_WHOLE) {
		size_t n = len - at < at_a_time ? len - at : at_a_time;

		at += http_read(h, (const uint8_t *)bytes + at, n);
	}
	assert_int_equal(h->len - before, at);
}

/* Requests that are whole after `read`; `left` is not theirs. */
static const struct {
	const char *name, *read, *left;
	enum http_method method;
	const char *fields; /* how the lines after the first begin */
	const char *host; /* NULL: it has none */
	bool upgrade, expect;
} requests[] = {
	{ "no fields", LINE "\r\n", "", HTTP_GET, .fields = "\r\n" },
	{ "the next one follows", LINE "\r\n", LINE "\r\n", HTTP_GET, .fields = "\r\n" },
	{ "HTTP/1.0", "HEAD / HTTP/1.0\r\n\r\n", "", HTTP_HEAD, .fields = "\r\n" },
	{ "a later minor version", "PUT / HTTP/1.2\r\nHost: x\r\n\r\n", "", HTTP_PUT, .fields = "Host",
	  .host = "x" },
	{ "the longest method", "UNSUBSCRIBE /a HTTP/1.0\r\n\r\n", "", HTTP_OTHER, .fields = "\r\n" },
	{ "a method with a hyphen", "M-SEARCH / HTTP/1.0\r\n\r\n", "", HTTP_OTHER, .fields = "\r\n" },
	{ "all of the server", "OPTIONS * HTTP/1.0\r\n\r\n", "", HTTP_OPTIONS, .fields = "\r\n" },
	{ "a URL", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "", HTTP_GET, .fields = "Host", .host = "x" },
	{ "another URL", "GET HTTPS://x HTTP/1.0\r\n\r\n", "", HTTP_GET, .fields = "\r\n" },
	{ "odd bytes in a path", "GET /|\"{}^`<>\\ HTTP/1.0\r\n\r\n", "", HTTP_GET, .fields = "\r\n" },
	{ "blanks around a value", LINE "hOST: \t x:1 \t\r\n\r\n", "", HTTP_GET, .fields = "hOST",
	  .host = "x:1" },
	{ "no blank before a value", LINE "Host:x\r\n\r\n", "", HTTP_GET, .fields = "Host", .host = "x" },
	{ "names like Host", LINE "Hos: a\r\nHosts: b\r\nX-Host: c\r\n\r\n", "", HTTP_GET, .fields = "Hos:" },
	{ "a name of any length", LINE SIXTEEN SIXTEEN ": a\r\n\r\n", "", HTTP_GET, .fields = SIXTEEN },
	{ "a length", POST "Content-Length: 5\r\n\r\nabcde", "fgh", HTTP_OTHER, .fields = "Content" },
	{ "a length of zero", POST "CONTENT-LENGTH:000 \r\n\r\n", "", HTTP_OTHER, .fields = "CONTENT" },
	{ "a body of GET", LINE "Content-Length: 1\r\n\r\nx", "y", HTTP_GET, .fields = "Content" },
	{ "chunks", CHUNKED "5\r\nabcde\r\na\r\n0123456789\r\n00A\r\n0123456789\r\n0\r\n\r\n", "x",
	  HTTP_OTHER, .fields = "Host", .host = "x" },
	{ "no chunks", CHUNKED "0\r\n\r\n", "0", HTTP_OTHER, .fields = "Host", .host = "x" },
	{ "chunk extensions", CHUNKED "1;a;b=\"c\" \r\nx\r\n0; d\r\n\r\n", "", HTTP_OTHER, .fields = "Host",
	  .host = "x" },
	{ "trailers", CHUNKED "0\r\nHost: x\r\nContent-Length: 9\r\n\r\n", "", HTTP_OTHER, .fields = "Host",
	  .host = "x" },
	{ "trailers do not speak of the connection", CHUNKED "0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n",
	  "", HTTP_OTHER, .fields = "Host", .host = "x" },
	{ "CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 1\r\n\r\n", "x", HTTP_CONNECT,
	  .fields = "Host", .host = "x:1", .upgrade = true },
	{ "an upgrade", LINE "Upgrade: a\r\nConnection: keep-alive, , Upgrade\r\n\r\n", "x", HTTP_GET,
	  .fields = "Upgrade", .upgrade = true },
	{ "an upgrade with a body", LINE "Upgrade: a\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx",
	  "y", HTTP_GET, .fields = "Upgrade", .upgrade = true },
	{ "Upgrade without Connection", LINE "Upgrade: a\r\n\r\n", "x", HTTP_GET, .fields = "Upgrade" },
	{ "Connection without Upgrade", LINE "Connection: upgrade\r\n\r\n", "x", HTTP_GET,
	  .fields = "Connection" },
	{ "another Connection", LINE "Upgrade: a\r\nConnection: upgrades\r\n\r\n", "", HTTP_GET,
	  .fields = "Upgrade" },
	{ "Expect", POST "Expect: 100-continue\r\n\r\n", "", HTTP_OTHER, .fields = "Expect", .expect = true },
};

TEST(whole_requests)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		size_t len = strlen(requests[i].read);
		char bytes[512];

		print_message("  %s\n", requests[i].name);
		snprintf(bytes, sizeof(bytes), "%s%s", requests[i].read, requests[i].left);
		for (size_t n = 1; n <= strlen(bytes); n++) {
			struct http h;

			http_begin_request(&h);
			feed(&h, bytes, strlen(bytes), n);
			assert_int_equal(h.state, HTTP_WHOLE);
			assert_int_equal(h.len, len);
			assert_int_equal(h.method, requests[i].method);
			assert_memory_equal(bytes + h.fields, requests[i].fields, strlen(requests[i].fields));
			assert_int_equal(http_is_upgrade(&h), requests[i].upgrade);
			assert_int_equal(!!(h.seen & 1 << HTTP_FIELD_EXPECT), requests[i].expect);
			assert_int_equal(!!h.host, !!requests[i].host);
			if (!requests[i].host)
				continue;
			assert_int_equal(h.host_len, strlen(requests[i].host));
			assert_memory_equal(bytes + h.host, requests[i].host, h.host_len);
		}
	}
}

/* Requests that are invalid at the byte after `read`. Before it, they are not whole. */
static const struct {
	const char *name, *read, *wrong;
	size_t wrong_len;
} invalid_requests[] = {
	{ "TLS", "", BYTES("\x16\x03\x01") },
	{ "an empty line first", "", BYTES("\r\n" LINE "\r\n") },
	{ "an empty line of LF alone", "", BYTES("\n" LINE "\r\n") },
	{ "a blank first", "", BYTES(" " LINE) },
	{ "a response", "HTTP", BYTES("/1.1 200 OK\r\n") },
	{ "an unknown method", "GETS", BYTES(" / HTTP/1.1\r\n") },
	{ "a method in lower case", "get", BYTES(" / HTTP/1.1\r\n") },
	{ "HTTP/2", "PRI", BYTES(" * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
	{ "a tab after the method", "GET", BYTES("\t/ HTTP/1.1\r\n") },
	{ "two blanks after the method", "GET ", BYTES(" / HTTP/1.1\r\n") },
	{ "no path", "GET a", BYTES(" HTTP/1.1\r\n") },
	{ "a path that is none", "GET *", BYTES(" HTTP/1.1\r\n") },
	{ "more than all servers", "OPTIONS *a", BYTES(" HTTP/1.1\r\n") },
	{ "another scheme", "GET ftp://x/", BYTES(" HTTP/1.1\r\n") },
	{ "a tab in the path", "GET /a", BYTES("\tb HTTP/1.1\r\n") },
	{ "a zero in the path", "GET /a", BYTES("\0b HTTP/1.1\r\n") },
	{ "DEL in the path", "GET /a", BYTES("\x7f HTTP/1.1\r\n") },
	{ "a byte above ASCII in the path", "GET /a", BYTES("\xc3\xa4 HTTP/1.1\r\n") },
	{ "a fragment", "GET /a", BYTES("#b HTTP/1.1\r\n") },
	{ "two blanks after the path", "GET / ", BYTES(" HTTP/1.1\r\n") },
	{ "HTTP/0.9", "GET /a", BYTES("\r\n\r\n") },
	{ "HTTP/2.0", "GET / HTTP/2.0", BYTES("\r\n\r\n") },
	{ "a version in lower case", "GET / http/1.1", BYTES("\r\n\r\n") },
	{ "a version of two digits", "GET / HTTP/1.10", BYTES("\r\n\r\n") },
	{ "a version without a digit", "GET / HTTP/1.a", BYTES("\r\n\r\n") },
	{ "a blank after the version", "GET / HTTP/1.1", BYTES(" \r\n\r\n") },
	{ "LF alone after the version", "GET / HTTP/1.1", BYTES("\n\r\n") },
	{ "CR alone after the version", "GET / HTTP/1.1\r", BYTES("A: b\r\n\r\n") },
	{ "a blank before the first field", LINE, BYTES(" A: b\r\n\r\n") },
	{ "no name", LINE, BYTES(": b\r\n\r\n") },
	{ "no colon", LINE "Host", BYTES("\r\n\r\n") },
	{ "a blank in a name", LINE "A", BYTES(" b: c\r\n\r\n") },
	{ "a blank before the colon", POST "Content-Length", BYTES(" : 5\r\n\r\n12345") },
	{ "a name of other bytes", LINE "A", BYTES("\xc3\xa4: b\r\n") },
	{ "a folded line", LINE "A: b\r\n", BYTES(" c\r\n\r\n") },
	{ "a line folded with a tab", LINE "A: b\r\n", BYTES("\tc\r\n\r\n") },
	{ "LF alone after a field", LINE "A: b", BYTES("\nC: d\r\n\r\n") },
	{ "CR in a value", LINE "A: b\r", BYTES("c\r\n\r\n") },
	{ "a zero in a value", LINE "A: b", BYTES("\0c\r\n\r\n") },
	{ "LF alone for the empty line", LINE "A: b\r\n", BYTES("\nx") },
	{ "CR alone for the empty line", LINE "A: b\r\n\r", BYTES("\r\n") },
	{ "two Hosts", LINE "Host: a\r\nHost", BYTES(": a\r\n\r\n") },
	{ "no Host", "GET / HTTP/1.1\r\n\r", BYTES("\n") },
	{ "an empty Host", "GET / HTTP/1.1\r\nHost: \r\nA: b\r\n\r", BYTES("\n") },
	{ "an empty Host of HTTP/1.0", LINE "Host:\r\n\r", BYTES("\n") },
	{ "a Host of two words", LINE "Host: a b", BYTES("\r\n\r\n") },
	{ "another expectation", POST "Expect: 100-continues", BYTES("\r\n\r\n") },
	{ "two lengths", POST "Content-Length: 5\r\nContent-Length", BYTES(": 6\r\n\r\n") },
	{ "a length twice", POST "Content-Length: 5\r\ncontent-length", BYTES(": 5\r\n\r\n") },
	{ "a list of lengths", POST "Content-Length: 5", BYTES(", 5\r\n\r\n") },
	{ "two numbers", POST "Content-Length: 5 5", BYTES("\r\n\r\n") },
	{ "a length with a sign", POST "Content-Length: +5", BYTES("\r\n\r\n") },
	{ "a negative length", POST "Content-Length: -5", BYTES("\r\n\r\n") },
	{ "a hexadecimal length", POST "Content-Length: 0x5", BYTES("\r\n\r\n") },
	{ "an empty length", POST "Content-Length: \r\n\r", BYTES("\n") },
	{ "a length beyond 64 bits", POST "Content-Length: 18446744073709551621", BYTES("\r\n\r\n") },
	{ "a length and chunks", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r", BYTES("\n0") },
	{ "chunks and a length", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r", BYTES("\n0") },
	{ "chunks of HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r", BYTES("\n0") },
	{ "two codings", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding", BYTES(": chunked\r\n\r\n") },
	{ "chunks twice", POST "Transfer-Encoding: chunked chunked", BYTES("\r\n\r\n") },
	{ "a list of codings", POST "Transfer-Encoding: gzip", BYTES(", chunked\r\n\r\n") },
	{ "a comma after the coding", POST "Transfer-Encoding: chunked", BYTES(",\r\n\r\n") },
	{ "another coding", POST "Transfer-Encoding: identity", BYTES("\r\n\r\n") },
	{ "a coding like chunked", POST "Transfer-Encoding: xchunked", BYTES("\r\n\r\n") },
	{ "a coding with a vertical tab", POST "Transfer-Encoding: ", BYTES("\vchunked\r\n\r\n") },
	{ "no coding", POST "Transfer-Encoding:\r\n\r", BYTES("\n") },
	{ "a chunk without size", CHUNKED, BYTES("\r\n") },
	{ "a chunk's size with a prefix", CHUNKED "0x5", BYTES("\r\nabcde") },
	{ "a chunk's size with a sign", CHUNKED "-5", BYTES("\r\nabcde") },
	{ "a chunk beyond 64 bits", CHUNKED "10000000000000005", BYTES("\r\nabcde") },
	{ "a blank after a chunk's size", CHUNKED "5", BYTES(" \r\nabcde") },
	{ "LF alone after a chunk's size", CHUNKED "5", BYTES("\nabcde") },
	{ "LF alone after an extension", CHUNKED "5;a", BYTES("\nabcde") },
	{ "a chunk longer than its size", CHUNKED "5\r\nabcde", BYTES("f\r\n0\r\n\r\n") },
	{ "LF alone after a chunk", CHUNKED "5\r\nabcde", BYTES("\n0\r\n\r\n") },
	{ "a blank in a trailer's name", CHUNKED "0\r\nA", BYTES(" : b\r\n\r\n") },
	{ "a folded trailer", CHUNKED "0\r\nA: b\r\n", BYTES(" c\r\n\r\n") },
};

TEST(refused_requests)
{
	for (size_t i = 0; i < sizeof(invalid_requests) / sizeof(*invalid_requests); i++) {
		size_t read = strlen(invalid_requests[i].read), len = read + invalid_requests[i].wrong_len;
		char bytes[512];

		print_message("  %s\n", invalid_requests[i].name);
		memcpy(bytes, invalid_requests[i].read, read);
		memcpy(bytes + read, invalid_requests[i].wrong, len - read);
		for (size_t n = 1; n <= len; n++) {
			struct http h;

			http_begin_request(&h);
			feed(&h, bytes, read, n);
			assert_true(h.state < HTTP_WHOLE);
			feed(&h, bytes + read, 1, 1);
			assert_int_equal(h.state, HTTP_INVALID);
			http_begin_request(&h);
			feed(&h, bytes, len, n);
			assert_int_equal(h.state, HTTP_INVALID);
		}
	}
}

/* Responses: the state after `read`, and after the connection is closed. */
static const struct {
	const char *name, *read, *left;
	uint64_t status;
	bool keep;
	enum http_state state; /* 0: HTTP_WHOLE */
	enum http_state closed; /* 0: as state */
	bool to_head;
} responses[] = {
	{ "a length", OK "Content-Length: 2\r\n\r\nab", "c", 200, .keep = true },
	{ "a length of zero", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "H", 404, .keep = true },
	{ "chunks", OK "Transfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "H", 200, .keep = true },
	{ "chunks of another coding", OK "Transfer-Encoding: gzip,chunked\r\n\r\n0\r\n\r\n", "H", 200,
	  .keep = true },
	{ "two codings", OK "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "H",
	  200, .keep = true },
	{ "a chunk's size filled up", OK "Transfer-Encoding: chunked\r\n\r\n2  \r\nab\r\n0 \r\n\r\n", "H",
	  200, .keep = true },
	{ "LF alone", "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n", "H", 200, .keep = true },
	{ "folded lines", OK "A: b\r\n c\r\n\td\r\nContent-Length:\r\n 2\r\n\r\nab", "c", 200, .keep = true },
	{ "a folded first line", OK " a\r\nContent-Length: 0\r\n\r\n", "H", 200, .keep = true },
	{ "no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "H", 200, .keep = true },
	{ "no blank before a reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "H", 200, .keep = true },
	{ "two Hosts", OK "Host: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n", "H", 200, .keep = true },
	{ "close", OK "Content-Length: 0\r\nConnection: a, Close\r\n\r\n", "H", 200, .keep = false },
	{ "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "H", 200, .keep = false },
	{ "HTTP/1.0, kept", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", "H",
	  200, .keep = true },
	{ "HTTP/1.0 in chunks",
	  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "H",
	  200, .keep = false },
	{ "to HEAD", OK "Content-Length: 2\r\n\r\n", "H", 200, .keep = true, .to_head = true },
	{ "to HEAD, in chunks", OK "Transfer-Encoding: chunked\r\n\r\n", "H", 200, .keep = true,
	  .to_head = true },
	{ "to HEAD, without length", OK "\r\n", "H", 200, .keep = true, .to_head = true },
	{ "100", "HTTP/1.1 100 Continue\r\n\r\n", OK, 100, .keep = true },
	{ "101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "H", 101, .keep = true },
	{ "204", "HTTP/1.1 204 No Content\r\n\r\n", "H", 204, .keep = true },
	{ "304", "HTTP/1.1 304 Not Modified\r\n\r\n", "H", 304, .keep = true },
	{ "204 in chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "H", 204,
	  .keep = true },
	{ "304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "H", 304,
	  .keep = true },
	{ "up to the end", OK "\r\nab", "", 200, .keep = false, .state = HTTP_AT_BODY_TO_CLOSE,
	  .closed = HTTP_WHOLE },
	{ "up to the end, empty", OK "\r\n", "", 200, .keep = false, .state = HTTP_AT_BODY_TO_CLOSE,
	  .closed = HTTP_WHOLE },
	{ "another coding", OK "Transfer-Encoding: gzip\r\n\r\nab", "", 200, .keep = false,
	  .state = HTTP_AT_BODY_TO_CLOSE, .closed = HTTP_WHOLE },
	{ "chunks before another coding", OK "Transfer-Encoding: chunked, gzip\r\n\r\nab", "", 200,
	  .keep = false, .state = HTTP_AT_BODY_TO_CLOSE, .closed = HTTP_WHOLE },
	{ "closed within the body", OK "Content-Length: 2\r\n\r\na", "", 200, .keep = true,
	  .state = HTTP_AT_BODY },
	{ "closed after a chunk", OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "", 200, .keep = true,
	  .state = HTTP_AT_CHUNK_SIZE },
	{ "closed within the head", OK, "", 200, .keep = true, .state = HTTP_AT_LINE },
	{ "a request", "GET", " / HTTP/1.1\r\n", 0, .keep = false, .state = HTTP_INVALID },
	{ "another protocol", "ICY", " 200 OK\r\n", 0, .keep = false, .state = HTTP_INVALID },
	{ "HTTP/2", "HTTP/2.0", " 200 OK\r\n", 0, .keep = false, .state = HTTP_INVALID },
	{ "a status of two digits", "HTTP/1.1 20", " OK\r\n", 0, .keep = true, .state = HTTP_INVALID },
	{ "a status of four digits", "HTTP/1.1 2000", " OK\r\n", 0, .keep = true, .state = HTTP_INVALID },
	{ "a status of letters", "HTTP/1.1 abc", " OK\r\n", 0, .keep = true, .state = HTTP_INVALID },
	{ "CR in a value", OK "A: b\r", "c\r\n\r\n", 200, .keep = true, .state = HTTP_INVALID },
	{ "a blank before the colon", OK "Content-Length", " : 2\r\n\r\n", 200, .keep = true,
	  .state = HTTP_INVALID },
	{ "two lengths", OK "Content-Length: 2\r\nContent-Length", ": 2\r\n\r\n", 200, .keep = true,
	  .state = HTTP_INVALID },
	{ "a length and chunks", OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", "", 200,
	  .keep = true, .state = HTTP_INVALID },
};

TEST(all_responses)
{
	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++) {
		enum http_state after = responses[i].state ? responses[i].state : HTTP_WHOLE;
		char bytes[512];

		print_message("  %s\n", responses[i].name);
		snprintf(bytes, sizeof(bytes), "%s%s", responses[i].read, responses[i].left);
		for (size_t n = 1; n <= strlen(bytes); n++) {
			struct http h;

			http_begin_response(&h, responses[i].to_head);
			feed(&h, bytes, strlen(bytes), n);
			assert_int_equal(h.state, after);
			assert_int_equal(h.len, strlen(responses[i].read));
			assert_int_equal(h.status, responses[i].status);
			http_end(&h);
			assert_int_equal(h.state, responses[i].closed ? responses[i].closed : after);
			assert_int_equal(http_keeps_connection(&h), responses[i].keep);
		}
	}
}

/* A word that is too long is not waited for: what is no HTTP may have no end of a line. */
TEST(endless_words)
{
	static const char *const begins[] = { "", LINE "Transfer-Encoding: chunked\r\n\r\n" };
	struct http h;

	for (int i = 0; i < 2; i++) {
		http_begin_request(&h);
		feed(&h, begins[i], strlen(begins[i]), 1000);
		feed(&h, SIXTEEN SIXTEEN, 32, 1);
		assert_int_equal(h.state, HTTP_INVALID);
	}
	http_begin_response(&h, false);
	feed(&h, SIXTEEN SIXTEEN, 32, 32);
	assert_int_equal(h.state, HTTP_INVALID);
}

/* Bytes that are missing can be counted through within a body of known length, and nowhere else. */
TEST(skips)
{
	static const struct {
		const char *read, *rest; /* before and after the missing bytes */
		size_t missing;
		bool certain;
	} rows[] = {
		{ POST "Content-Length: 5\r\n\r\n", "", 5, true },
		{ POST "Content-Length: 5\r\n\r\na", "e", 3, true },
		{ POST "Content-Length: 5\r\n\r\na", "", 5, false },
		{ POST "Content-Length: 5\r\n", "", 1, false },
		{ CHUNKED "5\r\na", "\r\n0\r\n\r\n", 4, true },
		{ CHUNKED "5\r\na", "", 5, false },
		{ CHUNKED "5\r\nabcde", "", 1, false },
		{ CHUNKED, "", 1, false },
		{ "", "", 1, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct http h;

		http_begin_request(&h);
		feed(&h, rows[i].read, strlen(rows[i].read), 1000);
		assert_int_equal(http_skip(&h, rows[i].missing), rows[i].certain);
		if (!rows[i].certain)
			continue;
		feed(&h, rows[i].rest, strlen(rows[i].rest), 1000);
		assert_int_equal(h.state, HTTP_WHOLE);
		assert_int_equal(h.len, strlen(rows[i].read) + rows[i].missing + strlen(rows[i].rest));
	}
}

TEST(authorities)
{
	static const struct {
		const char *request, *authority; /* NULL: it has none */
	} rows[] = {
		{ "GET http://a:1/b HTTP/1.0\r\n\r\n", "a:1" },	   { "GET http://a HTTP/1.0\r\n\r\n", "a" },
		{ "GET HTTPS://u@a?q=/ HTTP/1.0\r\n\r\n", "u@a" }, { "GET http:///b HTTP/1.0\r\n\r\n", "" },
		{ "GET /http://a/ HTTP/1.0\r\n\r\n", NULL },	   { "OPTIONS * HTTP/1.0\r\n\r\n", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].request;
		size_t at, len;
		struct http h;

		http_begin_request(&h);
		feed(&h, rows[i].request, strlen(rows[i].request), 3);
		assert_int_equal(http_authority(&h, bytes, &at, &len), rows[i].authority != NULL);
		if (!rows[i].authority)
			continue;
		assert_int_equal(len, strlen(rows[i].authority));
		assert_memory_equal(bytes + at, rows[i].authority, len);
	}
}

TEST(plain_hosts_and_paths)
{
	static const char *const hosts[] = {
		"x", "x.y:1", "192.0.2.1:65535", "[::1]", "[2001:db8::1]:80", "a_b-c.d."
	};
	static const char *const odd_hosts[] = { "",	"x:",	  "x:y",  "x:100000", "::1", "[::1",
						 "[]",	"[::1]x", "x..y", "u@x",      "x/y", "x,y",
						 "x;y", "\xe4",	  "x%41", ":80" };
	static const char *const paths[] = {
		"",	  "/",	"/a/../b",	"/a/b/../../", "/...",	"/.",
		"/a%20b", "//", "/a?b=/../../", "/a/..",       "/%2e/",
	};
	static const char *const odd_paths[] = {
		"/..", "/../", "/a/../../", "/./..", "//..", "/%2e%2E/",
		"/a%", "/a%4", "/a%0g",	    "/a%00", "/?%",  "/?%00",
	};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		assert_true(http_host_is_plain((const uint8_t *)hosts[i], strlen(hosts[i])));
	for (size_t i = 0; i < sizeof(odd_hosts) / sizeof(*odd_hosts); i++)
		assert_false(http_host_is_plain((const uint8_t *)odd_hosts[i], strlen(odd_hosts[i])));
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_true(http_path_is_plain((const uint8_t *)paths[i], strlen(paths[i])));
	for (size_t i = 0; i < sizeof(odd_paths) / sizeof(*odd_paths); i++)
		assert_false(http_path_is_plain((const uint8_t *)odd_paths[i], strlen(odd_paths[i])));
}

TEST(looks)
{
	static const struct {
		const char *bytes;
		bool like_request;
	} rows[] = {
		{ "GET /", true },   { "M-SEARCH * ", true },	{ "UNSUBSCRIBE ", true }, { "GET", false },
		{ "GET\t/", false }, { "GETS /", false },	{ "get /", false },	  { " GET /", false },
		{ "", false },	     { "HTTP/1.1 200", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
			http_looks_like_request((const uint8_t *)rows[i].bytes, strlen(rows[i].bytes)),
			rows[i].like_request);
}

TEST_MAIN(NULL, NULL)
