/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flow hash: the same for both directions of a flow, on every host, at every time. */
#ifndef MIRRORING_FLOW_BPF_H
#define MIRRORING_FLOW_BPF_H

#include "parse.bpf.h"

/* A bijection of 64-bit words that spreads every input bit over all of them (MurmurHash3's finalizer). */
static __always_inline __u64 mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static __always_inline __u64 end_hash(const __u32 *addr, __u16 port)
{
	__u64 low = (__u64)addr[1] << 32 | addr[0], high = (__u64)addr[3] << 32 | addr[2];

	return mix(mix(low) + (high ^ (__u64)port << 24));
}

static __always_inline __u64 flow_hash(const struct packet *p)
{
	/* a sum does not care which end comes first */
	return mix(end_hash(p->src, p->src_port) + end_hash(p->dst, p->dst_port) + p->proto);
}

/* hash to 0 … n-1, evenly */
static __always_inline __u32 share_of(__u32 hash, __u32 n)
{
	return (__u64)hash * n >> 32;
}

#endif
