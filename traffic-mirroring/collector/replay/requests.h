/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The HTTP/1 requests in a client's stream, each as the client's own bytes and only if all of them are there.
 * After a gap, and in a stream whose beginning was not seen, nothing is taken for a request before a boundary
 * (stream.h) at which one begins.
 */
#ifndef COLLECTOR_REQUESTS_H
#define COLLECTOR_REQUESTS_H

#include "http.h"
#include "memory.h"

struct http_request {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t fields; /* offset of the first header */
	uint32_t host, host_len; /* offset and length of the Host header's value; 0: it has none */
	enum http_method method;
};

struct requests_sink {
	void (*request)(void *context, const struct http_request *request);
	void *context;
};

struct requests {
	struct http http; /* the present request */
	enum { REQUESTS_FOLLOWING, REQUESTS_LOST, REQUESTS_IGNORED } state;
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

#endif
