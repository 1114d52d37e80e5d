/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "requests.h"

#include <string.h>

#include "../../wire/bytes.h"
#include "../../../common/log.h"
#include "../counters/tally.h"

#define TLS_HANDSHAKE 22
#define TLS_RECORD_MAX (16384 + 256)

static const char http2_preface[] = "PRI * HTTP/2.0";

void requests_begin(struct requests *r, bool lost)
{
	*r = (struct requests){ .state = lost ? REQUESTS_LOST : REQUESTS_FOLLOWING };
	http_begin_request(&r->http);
}

static void forget(struct requests *r, struct memory *memory)
{
	memory_give(memory, r->buffer, r->size);
	r->buffer = NULL;
	r->len = r->size = 0;
}

/* Gives up the request that has begun. */
static void give_up(struct requests *r, enum tally why, struct memory *memory)
{
	tally(why);
	tally_add(TALLY_BYTES_SKIPPED, r->len);
	forget(r, memory);
	r->state = REQUESTS_LOST;
}

static void ignore(struct requests *r, enum tally why, const char *what)
{
	static bool said[TALLIES];

	r->state = REQUESTS_IGNORED;
	tally(why);
	if (!said[why])
		log_warn("a connection to a replayed port is %s, which cannot be replayed", what);
	said[why] = true;
}

static bool is_tls(const uint8_t *at, uint32_t len)
{
	return len >= 5 && at[0] >= 20 && at[0] <= 23 && at[1] == 3 && at[2] <= 4 &&
	       get16(at + 3) <= TLS_RECORD_MAX;
}

/* Room for some more bytes of the present request. */
static bool reserve(struct requests *r, uint32_t more, struct memory *memory)
{
	uint32_t size = r->size ?: 1024;
	uint8_t *buffer;

	while (size < r->len + more)
		size *= 2;
	if (size == r->size)
		return true;
	buffer = memory_take(memory, size);
	if (!buffer)
		return false;
	if (r->len)
		memcpy(buffer, r->buffer, r->len);
	memory_give(memory, r->buffer, r->size);
	r->buffer = buffer;
	r->size = size;
	return true;
}

static void not_http1(struct requests *r, struct memory *memory)
{
	bool tls = r->buffer[0] == TLS_HANDSHAKE;
	bool http2 = r->len >= 3 && !memcmp(r->buffer, http2_preface, 3);

	if (r->some || (!tls && !http2)) {
		give_up(r, TALLY_REQUESTS_MALFORMED, memory);
		return;
	}
	tally_add(TALLY_BYTES_SKIPPED, r->len);
	forget(r, memory);
	if (tls)
		ignore(r, TALLY_FLOWS_TLS, "TLS");
	else
		ignore(r, TALLY_FLOWS_HTTP2, "HTTP/2");
}

static void complete(struct requests *r, struct memory *memory, const struct requests_sink *sink)
{
	const struct http_request request = {
		r->buffer, r->len, r->http.fields, r->http.host, r->http.host_len, r->http.method,
	};
	bool upgrade = http_is_upgrade(&r->http);

	r->some = true;
	tally(TALLY_REQUESTS);
	tally_add(TALLY_BYTES_REQUESTS, r->len);
	if (upgrade)
		tally(TALLY_REQUESTS_UPGRADE);
	/* a tunnel is no request of its own */
	if (request.method != HTTP_CONNECT)
		sink->request(sink->context, &request);
	forget(r, memory);
	http_begin_request(&r->http);
	/* what follows is another protocol, or, where the server declined, found at a boundary */
	if (upgrade)
		r->state = REQUESTS_LOST;
}

/* Takes bytes of the present request. Returns how many were its own; what follows may be the next one. */
static uint32_t follow(struct requests *r, const uint8_t *at, uint32_t len, uint32_t limit,
		       struct memory *memory, const struct requests_sink *sink)
{
	uint32_t start = r->len, read;

	if (len > limit - start)
		len = limit - start;
	if (!len || !reserve(r, len, memory)) {
		give_up(r, len ? TALLY_REQUESTS_MEMORY : TALLY_REQUESTS_LARGE, memory);
		return 0;
	}
	memcpy(r->buffer + start, at, len);
	read = http_read(&r->http, r->buffer + start, len);
	if (r->http.state == HTTP_WHOLE) {
		r->len = start + read;
		complete(r, memory, sink);
		return read;
	}
	r->len = start + len;
	if (r->http.state == HTTP_INVALID)
		not_http1(r, memory);
	return len;
}

/* The request waits for "100 Continue" before its body. */
static bool waits(const struct requests *r)
{
	return r->len && r->http.seen & 1 << HTTP_FIELD_EXPECT && !r->http.body;
}

void requests_data(struct requests *r, const uint8_t *at, uint32_t len, bool boundary, uint32_t limit,
		   struct memory *memory, const struct requests_sink *sink)
{
	uint32_t taken;

	/* an answer other than "100 Continue" came, and the client went on without the body */
	if (boundary && r->state == REQUESTS_FOLLOWING && waits(r) && http_looks_like_request(at, len))
		give_up(r, TALLY_REQUESTS_DECLINED, memory);
	if (boundary && r->state == REQUESTS_LOST && http_looks_like_request(at, len)) {
		http_begin_request(&r->http);
		r->state = REQUESTS_FOLLOWING;
	}
	for (; len && r->state == REQUESTS_FOLLOWING; at += taken, len -= taken)
		taken = follow(r, at, len, limit, memory, sink);
	if (r->state == REQUESTS_LOST && !r->some && is_tls(at, len))
		ignore(r, TALLY_FLOWS_TLS, "TLS");
	tally_add(TALLY_BYTES_SKIPPED, len);
}

void requests_gap(struct requests *r, uint32_t len, struct memory *memory)
{
	tally(TALLY_GAPS);
	tally_add(TALLY_BYTES_MISSING, len);
	if (r->state != REQUESTS_FOLLOWING)
		return;
	if (r->len)
		give_up(r, TALLY_REQUESTS_GAP, memory);
	r->state = REQUESTS_LOST;
}

void requests_end(struct requests *r, struct memory *memory)
{
	if (r->len)
		give_up(r, TALLY_REQUESTS_CLOSED, memory);
	r->state = REQUESTS_IGNORED;
}
