/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The rings of all CPUs: their pins, their sizes, how full they are. */
#pragma once

#include "../../common/bpf_info.h"
#include "../abi/host.h"
#include "ring.h"

/* Per CPU: the primary ring and the overflow ring. */
#define RINGS_PER_CPU 2
#define RINGS_NAME_LEN 32

/* What a ring is. */
const struct bpf_map_shape *rings_shape(unsigned int ring);

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

/* Whether there are primary rings where so many pairs of rings share this memory. */
bool rings_near_fit(uint64_t memory, unsigned int pairs);

/*
 * The size of an overflow ring where so many pairs of rings share this memory: a power of two. It holds
 * RECORD_SURE_DATA always, also where CPUs are so many that all rings together then take more memory.
 */
uint32_t rings_spill_size(uint64_t memory, unsigned int pairs);

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

/* The CPUs that they belong to. */
size_t rings_cpus(const struct ring *rings, size_t n);

/* The fill level of its rings on the CPU where it is highest, 0 to 1. */
double rings_fill(const struct ring *rings, size_t n);
