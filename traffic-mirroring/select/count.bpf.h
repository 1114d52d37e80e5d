/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Counters: per CPU, added to the shared arrays every MIRROR_FLUSH events. */
#pragma once

#include "maps.bpf.h"

static __always_inline struct mirror_cpu *this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&MAP(cpus), &zero);
}

static __always_inline void add(void *map, __u32 key, __u64 n)
{
	__u64 *total = bpf_map_lookup_elem(map, &key);

	/* relaxed: 5.10 lacks atomics that return the old value; clang 21 uses them for __sync_…() */
	if (total)
		__atomic_fetch_add(total, n, __ATOMIC_RELAXED);
}

static __always_inline void count_outcome(struct mirror_pending *p, __u32 outcome)
{
	/* compared and used in one register: the verifier of 5.10 does not track the bounds of a copy */
	barrier_var(outcome);
	if (outcome >= OUT_COUNT)
		return;
	if (likely(++p->outcome[outcome] < MIRROR_FLUSH))
		return;
	p->outcome[outcome] = 0;
	add(&MAP(counters), outcome, MIRROR_FLUSH);
}

/* counter: of a filter; 0: none. bytes: of these packets on the wire. */
static __always_inline void count_filter(struct mirror_pending *p, __u32 counter, __u32 packets, __u32 bytes)
{
	__u32 i = counter - 1;
	__u64 sum, sum_bytes;

	barrier_var(i); /* as above */
	if (i >= MIRROR_COUNTERS)
		return;
	sum_bytes = p->bytes[i] += bytes;
	sum = p->packets[i] += packets;
	if (sum < MIRROR_FLUSH)
		return;
	p->packets[i] = 0;
	p->bytes[i] = 0;
	add(&MAP(filter_packets), i + 1, sum);
	add(&MAP(filter_bytes), i + 1, sum_bytes);
}
