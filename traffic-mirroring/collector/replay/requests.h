/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The HTTP/1 requests in a client's stream, each as the client's own bytes, only if all of them are there,
 * and only if every server reads it the same way. Bytes that are missing within a body are counted through.
 * After any other gap, and in a stream whose beginning was not seen, nothing is taken for a request before
 * the second boundary (stream.h). After a request that ends the connection, switches protocols or is
 * malformed, nothing is: the server may not have executed what follows.
 */
#pragma once

#include "../../wire/http.h"
#include "memory.h"

struct http_request {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t fields; /* offset of the first header */
	size_t host, host_len; /* offset and length of the Host header's value; 0: it has none */
	size_t authority, authority_len; /* the same of the host in its target */
	enum http_method method;
};

struct requests_sink {
	void (*request)(void *context, const struct http_request *request);
	void *context;
};

enum requests_state {
	REQUESTS_FOLLOWING,
	REQUESTS_SKIPPING, /* the present request, of which bytes are missing, or which found no room */
	REQUESTS_LOST, /* it is not known where a request begins */
	REQUESTS_ENDED, /* what follows, if anything does, is not certain */
	REQUESTS_IGNORED,
};

struct requests {
	struct http http; /* the present request */
	enum requests_state state;
	uint32_t boundaries; /* since the stream was lost */
	bool some; /* at least one request was whole */
	uint8_t *buffer; /* its bytes; NULL: nothing of it yet */
	uint32_t len, size;
};

/* lost: the stream's beginning was not seen. */
void requests_begin(struct requests *r, bool lost);

/* limit: bytes that a request may have. */
void requests_data(struct requests *r, const uint8_t *at, uint32_t len, bool boundary, uint32_t limit,
		   struct memory *memory, const struct requests_sink *sink);
void requests_gap(struct requests *r, uint32_t len, struct memory *memory);

/* The stream has ended. */
void requests_end(struct requests *r, struct memory *memory);
