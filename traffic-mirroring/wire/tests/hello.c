/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "hello.h"

#include <string.h>

#include "../bytes.h"

static uint8_t *put_bytes(uint8_t *to, const void *at, size_t len)
{
	memcpy(to, at, len);
	return to + len;
}

/* What was written since `from` gets its length, of two bytes, before it. */
static uint8_t *close_vector(uint8_t *from, uint8_t *to)
{
	put16(from, to - from - 2);
	return to;
}

static uint8_t *put_name(uint8_t *to, uint8_t type, const char *name)
{
	*to++ = type;
	return close_vector(to, put_bytes(to + 2, name, strlen(name)));
}

static uint8_t *put_server_name(uint8_t *to, const struct hello *h)
{
	uint8_t *body = to + 2, *list = body + 2, *end;

	put16(to, 0);
	end = put_name(list + 2, h->name_type, h->name);
	if (h->second_name)
		end = put_name(end, 0, h->second_name);
	close_vector(list, end);
	return close_vector(body, put_bytes(end, "", h->after_list));
}

static uint8_t *put_padding(uint8_t *to, size_t len)
{
	put16(to, 21); /* RFC 7685 */
	memset(to + 4, 0, len);
	return close_vector(to + 2, to + 4 + len);
}

size_t hello_build(const struct hello *h, uint8_t *to)
{
	static const uint8_t versions[] = { 0, 43, 0, 3, 2, 3, 4 };
	uint8_t *at = to + 4, *extensions;

	put16(at, 0x0303);
	memset(at + 2, 0xa5, 32);
	at = put_bytes(at + 34,
		       "\x04"
		       "sess",
		       5);
	at = put_bytes(at, "\x00\x04\x13\x01\x13\x02", 6); /* cipher suites */
	at = put_bytes(at, "\x01\x00", 2); /* compression methods */
	extensions = at;
	at = put_bytes(at + 2, versions, sizeof(versions));
	if (h->name)
		at = put_server_name(at, h);
	if (h->repeated)
		at = put_server_name(at, &(struct hello){ .name = h->repeated });
	if (h->padding)
		at = put_padding(at, h->padding);
	at = close_vector(extensions, put_bytes(at, "\xff\xff\0\5", h->broken_extension ? 4 : 0));
	put32(to, (at - to - 4) | 1 << 24);
	return at - to;
}

size_t hello_records(const uint8_t *message, size_t len, size_t size, uint8_t *to)
{
	uint8_t *at = to;

	for (size_t part; len; len -= part, message += part) {
		part = len < size ? len : size;
		at = put_bytes(at, "\x16\x03\x01", 3);
		put16(at, part);
		at = put_bytes(at + 2, message, part);
	}
	return at - to;
}
