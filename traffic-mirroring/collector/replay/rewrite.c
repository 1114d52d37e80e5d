/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "rewrite.h"

#include <string.h>
#include <strings.h>

struct output {
	uint8_t *to; /* NULL: bytes are only counted */
	size_t len;
};

static void put(struct output *out, const void *from, size_t len)
{
	if (out->to)
		memcpy(out->to + out->len, from, len);
	out->len += len;
}

static void put_header(struct output *out, const char *name, const char *value)
{
	put(out, name, strlen(name));
	put(out, ": ", 2);
	put(out, value, strlen(value));
	put(out, "\r\n", 2);
}

/* The bytes from `done` on, up to a host and with the new one. Returns where the rest begins. */
static size_t put_host(struct output *out, const struct http_request *request, const char *host, size_t done,
		       size_t at, size_t len)
{
	if (!host || !at)
		return done;
	put(out, request->bytes + done, at - done);
	put(out, host, strlen(host));
	return at + len;
}

size_t rewrite_request(const struct http_request *request, const struct rewrite *rewrite, uint8_t *to)
{
	struct output out = { .to = to };
	size_t done = put_host(&out, request, rewrite->host, 0, request->authority, request->authority_len);

	put(&out, request->bytes + done, request->fields - done);
	if (rewrite->header)
		put_header(&out, rewrite->header, rewrite->value);
	if (rewrite->mark)
		put_header(&out, rewrite->mark, "1");
	done = put_host(&out, request, rewrite->host, request->fields, request->host, request->host_len);
	put(&out, request->bytes + done, request->len - done);
	return out.len;
}

bool rewrite_is_marked(const struct http_request *request, const char *mark)
{
	const char *line = (const char *)request->bytes + request->fields;
	size_t len = strlen(mark);

	for (; *line != '\r'; line = (const char *)rawmemchr(line, '\n') + 1)
		if (!strncasecmp(line, mark, len) && line[len] == ':')
			return true;
	return false;
}
