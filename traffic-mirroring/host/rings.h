/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The consumer's side of the kernel's BPF ring buffers. Records are read in place. The shared consumer
 * position moves only with ring_release(), when the bytes are no longer needed; so a sender that is killed
 * leaves all records that it has not sent to the next one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/bpf_info.h"
#include "../abi/host.h"
#include "../abi/record.h"

struct ring {
	int fd; /* for epoll */
	uint64_t *consumer; /* positions shared with the kernel: bytes since the ring was created */
	const uint64_t *producer;
	const uint8_t *data; /* mapped twice in a row, so that a record that wraps around is contiguous */
	uint64_t size; /* a power of two */
	uint64_t position; /* end of the records taken, released or not */
	uint64_t produced; /* the producer's position when last read */
	uint64_t fetched; /* end of the prefetched bytes */
	uint64_t end; /* for the caller: a position to stop at */
	uint64_t floor; /* no record after position has an older time */
};

/* Per CPU: the primary ring and the overflow ring. */
#define RINGS_PER_CPU 2
#define RINGS_NAME_LEN 32

/* What a ring is, of any size. */
extern const struct bpf_map_shape rings_shape;

/*
 * Rings are numbered by thread of the sender, by CPU and by kind: the number is ring_key() (host.h) *
 * RINGS_PER_CPU, or one more for an overflow ring.
 */
#define RINGS_MAX (RINGS_PER_CPU * MIRROR_RINGS)

/* Whether there is a ring of this number where there are that many threads and possible CPUs. */
bool rings_is_used(unsigned int ring, unsigned int threads, unsigned int cpus);

/* The threads that --sender-threads stands for, on a host with that many possible CPUs. */
unsigned int rings_threads(uint64_t setting, unsigned int cpus);

/* The name of a ring's pin. */
void rings_name(unsigned int ring, char name[RINGS_NAME_LEN]);

/*
 * The size of a ring where so many pairs of rings share this memory: a power of two. An overflow ring always
 * holds RECORD_SURE_DATA, also where CPUs are so many that all rings together then take more memory.
 */
uint32_t rings_size(unsigned int ring, uint64_t memory, unsigned int pairs);

static inline bool rings_is_spill(unsigned int ring)
{
	return ring % RINGS_PER_CPU;
}

/*
 * The pinned rings of all CPUs and as many threads as there are rings for, in the order of their numbers, in
 * an array that the caller frees. 0 or a negative errno, after log_error().
 */
int rings_open(struct ring **rings, size_t *n, unsigned int *threads);
void rings_close(struct ring *rings, size_t n);

/* Whether this host has rings: a flow table alone needs none. */
bool rings_exist(void);

/* The fill level of its rings on the CPU where it is highest, 0 to 1. */
double rings_fill(const struct ring *rings, size_t n);

/* Takes ownership of a ring buffer's fd. 0 or a negative errno. */
int ring_open(struct ring *r, int fd);

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
