/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The rings of all CPUs as one stream in the order of time, so that a flow whose packets move from one CPU to another
 * keeps its order.
 */
#ifndef MIRRORING_MERGE_H
#define MIRRORING_MERGE_H

#include "../host/rings.h"

/*
 * How far apart two CPUs may be: their clocks, and how late one sees that the other has reserved a record. A record may
 * have to wait this long for one that is not there yet.
 */
#define MERGE_SKEW_NS 50000

/*
 * The ring with the oldest record; its records up to the time *until may be taken before another ring has
 * to be looked at. NULL: there is nothing that could be sent yet. now: CLOCK_MONOTONIC, read before the call.
 */
struct ring *merge_next(struct ring *rings, size_t n, uint64_t now, uint64_t *until);

#endif
