/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "http_name.h"

#include <string.h>

/* The bytes that name the server, and perhaps a port. */
static const uint8_t *find_host(const struct http *h, const uint8_t *stream, size_t *len)
{
	size_t at;

	if (h->method == HTTP_CONNECT) {
		*len = h->target_len;
		return stream + h->target;
	}
	if (http_authority(h, stream, &at, len))
		return stream + at;
	*len = h->host_len;
	return stream + h->host;
}

enum name_state http_name_read(struct http *h, const uint8_t *stream, size_t len, char name[NAME_SIZE])
{
	const uint8_t *host, *colon;
	size_t size;

	http_read_head(h, stream + h->len, len - h->len);
	if (h->state == HTTP_INVALID)
		return NAME_NONE;
	if (!http_head_is_whole(h))
		return NAME_UNDECIDED;
	host = find_host(h, stream, &size);
	if (!http_host_is_plain(host, size))
		return NAME_NONE;
	colon = memchr(host, ':', size);
	return domain_name(host, colon ? (size_t)(colon - host) : size, name) ? NAME_FOUND : NAME_NONE;
}
