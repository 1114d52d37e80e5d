/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A request as sent to the target: the client's bytes, with the changes that the operator configured. */
#ifndef COLLECTOR_REWRITE_H
#define COLLECTOR_REWRITE_H

#include <stddef.h>

#include "requests.h"

struct rewrite {
	const char *host; /* value of the Host header; NULL: the client's */
	const char *header; /* name of a header to add; NULL: none */
	const char *value; /* its value */
};

/* Bytes that rewrite_request() writes. */
size_t rewrite_size(const struct http_request *request, const struct rewrite *rewrite);
void rewrite_request(const struct http_request *request, const struct rewrite *rewrite, uint8_t *to);

#endif
