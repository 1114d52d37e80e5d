/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The HTTP/1 requests in a client's stream, each as the client's own bytes and only if all of them are there.
 * After a gap, and in a stream whose beginning was not seen, nothing is taken for a request before a boundary
 * (stream.h) at which one begins.
 */
#ifndef COLLECTOR_REQUESTS_H
#define COLLECTOR_REQUESTS_H

#include <http_parser.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct http_request {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t host, host_len; /* value of the Host header in bytes; 0: it has none */
	enum http_method method;
};

struct requests_sink {
	void (*request)(void *context, const struct http_request *request);
	void *context;
};

struct requests {
	http_parser parser;
	enum { REQUESTS_FOLLOWING, REQUESTS_LOST, REQUESTS_IGNORED } state;
	bool some; /* at least one request was whole */
	bool expect; /* the present one waits for "100 Continue" before its body */
	bool body; /* of the present one has begun */
	uint8_t *buffer; /* the present request; NULL: nothing of it yet */
	uint32_t len, size;
	uint32_t host, host_len;
	char name[8]; /* the beginning of the present header's name, lower case */
	uint32_t name_len;
	bool value; /* the present header's value has begun */
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
