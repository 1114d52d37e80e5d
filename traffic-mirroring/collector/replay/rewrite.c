/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "rewrite.h"

#include <string.h>

static bool changes_host(const struct http_request *request, const struct rewrite *rewrite)
{
	return rewrite->host && request->host;
}

size_t rewrite_size(const struct http_request *request, const struct rewrite *rewrite)
{
	size_t size = request->len;

	if (changes_host(request, rewrite))
		size += strlen(rewrite->host) - request->host_len;
	if (rewrite->header)
		size += strlen(rewrite->header) + strlen(rewrite->value) + strlen(": \r\n");
	return size;
}

static uint8_t *put(uint8_t *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static uint8_t *put_text(uint8_t *to, const char *text)
{
	return put(to, text, strlen(text));
}

void rewrite_request(const struct http_request *request, const struct rewrite *rewrite, uint8_t *to)
{
	size_t at = 0;

	if (rewrite->header) {
		at = request->fields;
		to = put(to, request->bytes, at);
		to = put_text(to, rewrite->header);
		to = put_text(to, ": ");
		to = put_text(to, rewrite->value);
		to = put_text(to, "\r\n");
	}
	if (changes_host(request, rewrite)) {
		to = put(to, request->bytes + at, request->host - at);
		to = put_text(to, rewrite->host);
		at = request->host + request->host_len;
	}
	put(to, request->bytes + at, request->len - at);
}
