/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A record's bytes are in another core's cache, or in memory. Code that knows which bytes it needs next
 * requests them here and continues with other work.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64 /* bytes; on CPUs with another size only some of the gain is lost */
#define SECOND_LEVEL 2 /* cache level: the first one allows too few requests in flight */

/* Always inline: GCC removes calls of functions that only prefetch. */
static inline __attribute__((always_inline)) void prefetch(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += CACHE_LINE)
		__builtin_prefetch(at + i, 0, SECOND_LEVEL);
}
