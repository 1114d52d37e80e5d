/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ClientHellos, written from RFC 8446 and RFC 6066 alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_MAX 70000

struct hello {
	const char *name; /* NULL: without server_name */
	const char *second_name; /* in the same list */
	const char *repeated; /* in a second extension */
	uint8_t name_type;
	bool after_list; /* a byte too many, which the extension's length counts */
	bool broken_extension; /* the last one ends before its length says */
	size_t padding; /* bytes of the last extension's contents; 0: none */
};

/* The handshake message. Returns its size. */
size_t hello_build(const struct hello *h, uint8_t *to);

/* The records of a message, with at most `size` bytes each. Returns their size. */
size_t hello_records(const uint8_t *message, size_t len, size_t size, uint8_t *to);
