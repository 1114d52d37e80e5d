/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads fields one after the other, never beyond the end. One that is not there whole makes the cursor bad:
 * nothing is left, and all further fields are 0 or empty, so the reader needs to check only once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

/* The next len bytes. */
static inline struct cursor cursor_part(struct cursor *c, uint64_t len)
{
	struct cursor part = { c->at, len, c->bad };

	if (len > c->left) {
		*c = (struct cursor){ c->at, 0, true };
		return *c;
	}
	c->at += len;
	c->left -= len;
	return part;
}

/* A number of up to 8 bytes, in network byte order. */
static inline uint64_t cursor_number(struct cursor *c, size_t size)
{
	struct cursor part = cursor_part(c, size);
	uint64_t number = 0;

	for (size_t i = 0; i < part.left; i++)
		number = number << 8 | part.at[i];
	return number;
}

/* Bytes after their length, which has `size` bytes. */
static inline struct cursor cursor_vector(struct cursor *c, size_t size)
{
	return cursor_part(c, cursor_number(c, size));
}

/* Everything was read, and all of it was there. */
static inline bool cursor_ended(const struct cursor *c)
{
	return !c->bad && !c->left;
}
