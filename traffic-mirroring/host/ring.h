/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The consumer's side of a ring: of a primary one (../abi/ring.h) or of a BPF ring buffer of the kernel.
 * Records are read in place. The shared consumer position moves only with ring_release(), when the bytes are
 * no longer needed; so a sender that is killed leaves all records that it has not sent to the next one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi/ring.h"

struct ring {
	int fd; /* of a ring buffer: for epoll */
	const struct mirror_near *near; /* NULL: a ring buffer of the kernel */
	uint64_t *consumer; /* positions shared with the producer: bytes since the ring was created */
	const uint64_t *producer;
	const uint8_t *data; /* no record wraps around: that of a ring buffer is mapped twice in a row */
	uint64_t size; /* a power of two */
	uint64_t position; /* end of the records taken, released or not */
	uint64_t produced; /* the producer's position when last read */
	uint64_t fetched; /* end of the prefetched bytes */
	uint64_t end; /* for the caller: a position to stop at */
	uint64_t floor; /* no record after position has an older time */
};

/* Takes ownership of a map's fd, an array's or a ring buffer's. 0 or a negative errno. */
int ring_open(struct ring *r, int fd);
void ring_close(struct ring *r);

/*
 * The record at the position; NULL: there is none yet, or its producer is still writing it. now:
 * CLOCK_MONOTONIC, read before the call.
 */
const struct mirror_record *ring_peek(struct ring *r, uint64_t now);

/* Bytes available in a peeked record, at most cap_len. */
uint32_t ring_captured(const struct ring *r, const struct mirror_record *record);

/* Moves past a peeked record. */
void ring_take(struct ring *r);

/* Returns the space of all taken records to the producers. */
void ring_release(struct ring *r);

/* The producer's position now. */
uint64_t ring_produced(const struct ring *r);
