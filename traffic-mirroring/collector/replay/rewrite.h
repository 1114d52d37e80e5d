/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A request as sent to the target: the client's bytes, with the changes that the operator configured. */
#pragma once

#include <stddef.h>

#include "requests.h"

struct rewrite {
	const char *host; /* the host to name in the target and in Host; NULL: the client's */
	const char *header; /* name of a header to add; NULL: none */
	const char *value; /* its value */
	const char *mark; /* name of a header that says that the request was replayed; NULL: none */
};

/* Writes the request to `to`, unless that is NULL. Returns how many bytes it has. */
size_t rewrite_request(const struct http_request *request, const struct rewrite *rewrite, uint8_t *to);

/* Whether it was replayed with this mark. */
bool rewrite_is_marked(const struct http_request *request, const char *mark);
