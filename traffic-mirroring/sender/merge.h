/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Merges the rings of all CPUs into one stream in order of time, so that a flow whose packets move from one
 * CPU to another keeps its order.
 */
#pragma once

#include "../host/rings.h"

/*
 * The maximum skew between CPUs: of their clocks, plus the delay until one sees that another has reserved a
 * record. A record may have to wait this long for an older one that is not visible yet.
 */
#define MERGE_SKEW_NS 50000

/*
 * The ring with the oldest record; its records up to the time *until may be taken before another ring must be
 * checked. NULL: there is nothing to send yet. now: CLOCK_MONOTONIC, read before the call.
 */
struct ring *merge_next(struct ring *rings, size_t n, uint64_t now, uint64_t *until);

/* All records with an older time have been taken. now: CLOCK_MONOTONIC, read before the call. */
uint64_t merge_done(struct ring *rings, size_t n, uint64_t now);
