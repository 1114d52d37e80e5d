/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Any bytes, as requests and as responses that follow each other. A message is read as a whole, in pieces,
 * and again without the bytes after it: the results must not differ.
 */
#include <stdlib.h>
#include <string.h>

#include "../http.h"

/* Bits of an input's first byte. */
enum { RESPONSE = 1, TO_HEAD = 2 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void begin(struct http *h, uint8_t kind)
{
	if (kind & RESPONSE)
		http_begin_response(h, kind & TO_HEAD);
	else
		http_begin_request(h);
}

static void check_same(const struct http *a, const struct http *b)
{
	check(a->state == b->state);
	if (a->state == HTTP_INVALID)
		return;
	check(a->len == b->len && a->method == b->method && a->status == b->status && a->fields == b->fields);
	check(a->host == b->host && a->host_len == b->host_len && a->body == b->body && a->seen == b->seen);
	check(http_is_upgrade(a) == http_is_upgrade(b));
	check(http_keeps_connection(a) == http_keeps_connection(b));
}

static void check_request(const struct http *h)
{
	check(h->fields <= h->len && h->host + h->host_len <= h->len);
	check(!h->host || h->host > h->fields);
}

/* Returns the length of a whole message; 0: it is not whole. */
static size_t message(const uint8_t *bytes, size_t len, uint8_t kind, size_t at_a_time)
{
	struct http whole, pieces, alone;
	size_t at = 0;

	begin(&whole, kind);
	begin(&pieces, kind);
	begin(&alone, kind);
	check(http_read(&whole, bytes, len) == whole.len && whole.len <= len);
	while (at < len && pieces.state < HTTP_WHOLE)
		at += http_read(&pieces, bytes + at, len - at < at_a_time ? len - at : at_a_time);
	check_same(&whole, &pieces);
	if (!(kind & RESPONSE))
		check_request(&whole);
	if (whole.state != HTTP_WHOLE)
		return 0;
	http_read(&alone, bytes, whole.len);
	check_same(&whole, &alone);
	return whole.len;
}

/* The bytes before the input, so that the fuzzer need not find the way to bodies and chunks. */
static const char *const begins[] = {
	"",
	"POST / HTTP/1.1\r\nContent-Length: 3\r\n",
	"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1",
	"GET / HTTP/1.1\r\nUpgrade: a\r\nConnection:",
	"HTTP/1.1 200 OK\r\nContent-Length: 2",
	"HTTP/1.0 200\nTransfer-Encoding: gzip, chunked\n\n1",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 ",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t begin_len, at = 0, len;
	const char *begin;
	uint8_t *bytes;

	if (size < 3)
		return 0;
	begin = begins[data[2] % (sizeof(begins) / sizeof(*begins))];
	begin_len = strlen(begin);
	len = begin_len + size - 3;
	bytes = malloc(len ?: 1);
	memcpy(bytes, begin, begin_len);
	memcpy(bytes + begin_len, data + 3, size - 3);
	for (size_t n = 1; n; at += n)
		n = message(bytes + at, len - at, data[0], 1 + data[1] % 32);
	free(bytes);
	return 0;
}
