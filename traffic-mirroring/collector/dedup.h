/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Recognises duplicates: copies of which another one with the same bytes was accepted at most some time
 * before or after, by the time of the copies. The bytes are those of the IP packet, as far as they were
 * copied, without what is around it in the frame; of a frame without IP all of them. They are compared by a
 * hash of 64 bits. Remembers a fixed number of copies, the newest ones.
 */
#pragma once

#include "../wire/copy.h"

struct dedup;

/* NULL: no memory. */
struct dedup *dedup_new(uint64_t window_ns);
void dedup_free(struct dedup *dedup); /* NULL is fine */

/* Returns whether it is a duplicate; if not, it is accepted. Thread-safe. */
bool dedup_drops(struct dedup *dedup, const struct copy *p);
