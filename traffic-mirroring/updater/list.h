/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Lists that grow one entry at a time. */
#pragma once

#include <stdlib.h>

/*
 * A list of n entries, size bytes each, with room for one more. There is room for the next power of two, so
 * it is only short where n is one. NULL: out of memory; the list stays as it is.
 */
static inline void *list_grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : reallocarray(list, n ? n * 2 : 1, size);
}
