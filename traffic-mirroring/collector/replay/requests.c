/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "requests.h"

#include <string.h>
#include <strings.h>

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

/* Gives up the request that has begun. next: how what follows is read. */
static void give_up(struct requests *r, enum tally why, enum requests_state next, struct memory *memory)
{
	tally(why);
	tally_add(TALLY_BYTES_SKIPPED, r->len);
	forget(r, memory);
	r->state = next;
}

static void lose(struct requests *r)
{
	r->state = REQUESTS_LOST;
	r->boundaries = 0;
}

static bool reads(const struct requests *r)
{
	return r->state == REQUESTS_FOLLOWING || r->state == REQUESTS_SKIPPING;
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
		give_up(r, TALLY_REQUESTS_MALFORMED, REQUESTS_ENDED, memory);
		return;
	}
	tally_add(TALLY_BYTES_SKIPPED, r->len);
	forget(r, memory);
	if (tls)
		ignore(r, TALLY_FLOWS_TLS, "TLS");
	else
		ignore(r, TALLY_FLOWS_HTTP2, "HTTP/2");
}

/* What the message at hand, which is whole, lets one say of the bytes after it. */
static void begin_next(struct requests *r)
{
	bool upgrade = http_is_upgrade(&r->http);

	if (upgrade)
		tally(TALLY_REQUESTS_UPGRADE);
	/* the server may have switched to another protocol, and closes the connection if it was told to */
	r->state = upgrade || !http_keeps_connection(&r->http) ? REQUESTS_ENDED : REQUESTS_FOLLOWING;
	http_begin_request(&r->http);
}

/* The host in the target, if there is one, is that of the header (RFC 9112 3.2). */
static bool names_one_host(const struct http_request *request)
{
	const uint8_t *authority = request->bytes + request->authority,
		      *host = request->bytes + request->host;

	if (request->authority && !http_host_is_plain(authority, request->authority_len))
		return false;
	if (request->host && !http_host_is_plain(host, request->host_len))
		return false;
	return !request->authority || !request->host ||
	       (request->authority_len == request->host_len &&
		!strncasecmp((const char *)authority, (const char *)host, request->host_len));
}

/* A path, as it is or after a host. Few servers know the other forms; a tunnel is not replayed. */
static bool names_path(const struct http_request *request, const struct http *http)
{
	size_t end = http->target + http->target_len, at = http->target;

	if (request->method == HTTP_CONNECT)
		return true;
	if (request->authority)
		at = request->authority + request->authority_len;
	return (at < end ? request->bytes[at] == '/' : request->authority) &&
	       http_path_is_plain(request->bytes + at, end - at);
}

static void complete(struct requests *r, struct memory *memory, const struct requests_sink *sink)
{
	struct http_request request = {
		.bytes = r->buffer,
		.len = r->len,
		.fields = r->http.fields,
		.host = r->http.host,
		.host_len = r->http.host_len,
		.method = r->http.method,
	};

	http_authority(&r->http, r->buffer, &request.authority, &request.authority_len);
	if (!names_one_host(&request) || !names_path(&request, &r->http)) {
		give_up(r, TALLY_REQUESTS_MALFORMED, REQUESTS_ENDED, memory);
		return;
	}
	r->some = true;
	tally(TALLY_REQUESTS);
	tally_add(TALLY_BYTES_REQUESTS, r->len);
	if (http_is_request_anyway(&r->http))
		sink->request(sink->context, &request);
	forget(r, memory);
	begin_next(r);
}

/* Takes bytes of the present request. Returns how many were its own; what follows may be the next one. */
static uint32_t follow(struct requests *r, const uint8_t *at, uint32_t len, uint32_t limit,
		       struct memory *memory, const struct requests_sink *sink)
{
	uint32_t start = r->len, read;

	if (len > limit - start)
		len = limit - start;
	if (!len || !reserve(r, len, memory)) {
		give_up(r, len ? TALLY_REQUESTS_MEMORY : TALLY_REQUESTS_LARGE, REQUESTS_SKIPPING, memory);
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

/* The same for a request that is not kept. */
static uint32_t skip(struct requests *r, const uint8_t *at, uint32_t len)
{
	uint32_t read = http_read(&r->http, at, len);

	if (r->http.state == HTTP_WHOLE)
		begin_next(r);
	else if (r->http.state == HTTP_INVALID)
		r->state = REQUESTS_ENDED;
	tally_add(TALLY_BYTES_SKIPPED, read);
	return read;
}

/* The request waits for "100 Continue" before its body. */
static bool waits(const struct requests *r)
{
	return r->http.seen & 1 << HTTP_FIELD_EXPECT && !r->http.body &&
	       (r->http.state == HTTP_AT_BODY || r->http.state == HTTP_AT_CHUNK_SIZE);
}

/*
 * After lost bytes a request is certain at the second boundary only: at the first one, the client may go on
 * with the body of a request whose head was lost, after an interim response.
 */
static bool resumes(struct requests *r, const uint8_t *at, uint32_t len)
{
	return r->state == REQUESTS_LOST && ++r->boundaries > 1 && http_looks_like_request(at, len);
}

void requests_data(struct requests *r, const uint8_t *at, uint32_t len, bool boundary, uint32_t limit,
		   struct memory *memory, const struct requests_sink *sink)
{
	uint32_t taken;

	/* either the body, or the next request because the server has declined this one */
	if (boundary && reads(r) && waits(r) && http_looks_like_request(at, len)) {
		if (r->len)
			give_up(r, TALLY_REQUESTS_DECLINED, REQUESTS_LOST, memory);
		lose(r);
	}
	if (boundary && resumes(r, at, len)) {
		http_begin_request(&r->http);
		r->state = REQUESTS_FOLLOWING;
	}
	for (; len && reads(r); at += taken, len -= taken)
		taken = r->state == REQUESTS_FOLLOWING ? follow(r, at, len, limit, memory, sink) :
							 skip(r, at, len);
	if (r->state == REQUESTS_LOST && !r->some && is_tls(at, len))
		ignore(r, TALLY_FLOWS_TLS, "TLS");
	if (r->state == REQUESTS_ENDED && len) {
		tally(TALLY_FLOWS_UNCERTAIN);
		r->state = REQUESTS_IGNORED;
	}
	tally_add(TALLY_BYTES_SKIPPED, len);
}

void requests_gap(struct requests *r, uint32_t len, struct memory *memory)
{
	bool certain;

	tally(TALLY_GAPS);
	tally_add(TALLY_BYTES_MISSING, len);
	if (r->state == REQUESTS_LOST)
		lose(r);
	if (!reads(r))
		return;
	/* within a body its length says where the next request begins */
	certain = !waits(r) && http_skip(&r->http, len);
	if (r->len)
		give_up(r, TALLY_REQUESTS_GAP, REQUESTS_SKIPPING, memory);
	if (!certain)
		lose(r);
	else if (r->http.state == HTTP_WHOLE)
		begin_next(r);
	else
		r->state = REQUESTS_SKIPPING;
}

void requests_end(struct requests *r, struct memory *memory)
{
	if (r->len)
		give_up(r, TALLY_REQUESTS_CLOSED, REQUESTS_IGNORED, memory);
	r->state = REQUESTS_IGNORED;
}
