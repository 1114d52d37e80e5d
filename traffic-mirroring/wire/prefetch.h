/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A record's bytes lie in another core's cache, or in memory. Who knows which of them come next asks for them here, and
 * works on something else meanwhile.
 */
#ifndef MIRRORING_PREFETCH_H
#define MIRRORING_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64 /* bytes; where it is another number, only some of the gain is lost */
#define SECOND_LEVEL 2 /* of the caches: the first one has too few requests under way */

/* Always inline: GCC leaves calls out of functions that do nothing but this. */
static inline __attribute__((always_inline)) void prefetch(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += CACHE_LINE)
		__builtin_prefetch(at + i, 0, SECOND_LEVEL);
}

#endif
