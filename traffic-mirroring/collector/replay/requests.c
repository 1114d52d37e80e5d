/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "requests.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "../../wire/bytes.h"
#include "../../../common/log.h"
#include "../counters/tally.h"

#define TLS_HANDSHAKE 22
#define TLS_RECORD_MAX (16384 + 256)

static const char http2_preface[] = "PRI * HTTP/2.0";

static void next_request(struct requests *r)
{
	r->expect = r->body = r->value = false;
	r->host = r->host_len = r->name_len = 0;
	http_parser_init(&r->parser, HTTP_REQUEST);
	r->parser.data = r;
}

void requests_begin(struct requests *r, bool lost)
{
	*r = (struct requests){ .state = lost ? REQUESTS_LOST : REQUESTS_FOLLOWING };
	next_request(r);
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

/* A method that we know and a blank. */
static bool looks_like_request(const uint8_t *at, uint32_t len)
{
	static const char *const methods[] = {
#define METHOD(number, name, string) #string " ",
		HTTP_METHOD_MAP(METHOD)
#undef METHOD
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (len >= strlen(methods[i]) && !memcmp(at, methods[i], strlen(methods[i])))
			return true;
	return false;
}

/* The parser may get a header in pieces. */
static int on_field(http_parser *parser, const char *at, size_t len)
{
	struct requests *r = parser->data;

	if (r->value)
		r->name_len = 0;
	r->value = false;
	for (size_t i = 0; i < len; i++, r->name_len++)
		if (r->name_len < sizeof(r->name))
			r->name[r->name_len] = tolower((unsigned char)at[i]);
	return 0;
}

static bool name_is(const struct requests *r, const char *name)
{
	return r->name_len == strlen(name) && !memcmp(r->name, name, r->name_len);
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
	struct requests *r = parser->data;

	if (name_is(r, "host")) {
		if (!r->value)
			r->host = (const uint8_t *)at - r->buffer;
		r->host_len = (const uint8_t *)at + len - r->buffer - r->host;
	} else if (name_is(r, "expect")) {
		r->expect = true;
	}
	r->value = true;
	return 0;
}

static int on_headers(http_parser *parser)
{
	return parser->http_major == 1 ? 0 : -1; /* HTTP/0.9 would be anything with a newline */
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
	struct requests *r = parser->data;

	(void)at;
	(void)len;
	r->body = true;
	return 0;
}

static int on_complete(http_parser *parser)
{
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

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
	const struct http_request request = { r->buffer, r->len, r->host, r->host_len, r->parser.method };
	bool upgrade = r->parser.upgrade;

	r->some = true;
	tally(TALLY_REQUESTS);
	tally_add(TALLY_BYTES_REQUESTS, r->len);
	if (upgrade)
		tally(TALLY_REQUESTS_UPGRADE);
	/* a tunnel is no request of its own */
	if (request.method != HTTP_CONNECT)
		sink->request(sink->context, &request);
	forget(r, memory);
	next_request(r);
	/* what follows is another protocol, or, where the server declined, found at a boundary */
	if (upgrade)
		r->state = REQUESTS_LOST;
}

/* Takes bytes of the present request. Returns how many were its own; what follows may be the next one. */
static uint32_t follow(struct requests *r, const uint8_t *at, uint32_t len, uint32_t limit,
		       struct memory *memory, const struct requests_sink *sink)
{
	uint32_t start = r->len, parsed;

	if (len > limit - start)
		len = limit - start;
	if (!len || !reserve(r, len, memory)) {
		give_up(r, len ? TALLY_REQUESTS_MEMORY : TALLY_REQUESTS_LARGE, memory);
		return 0;
	}
	memcpy(r->buffer + start, at, len);
	parsed = http_parser_execute(&r->parser, &settings, (const char *)r->buffer + start, len);
	if (HTTP_PARSER_ERRNO(&r->parser) == HPE_PAUSED) {
		r->len = start + parsed;
		complete(r, memory, sink);
		return parsed;
	}
	r->len = start + len;
	if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK)
		not_http1(r, memory);
	return len;
}

void requests_data(struct requests *r, const uint8_t *at, uint32_t len, bool boundary, uint32_t limit,
		   struct memory *memory, const struct requests_sink *sink)
{
	uint32_t taken;

	/* an answer other than "100 Continue" came, and the client went on without the body */
	if (boundary && r->state == REQUESTS_FOLLOWING && r->len && r->expect && !r->body &&
	    looks_like_request(at, len))
		give_up(r, TALLY_REQUESTS_DECLINED, memory);
	if (boundary && r->state == REQUESTS_LOST && looks_like_request(at, len)) {
		next_request(r);
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
