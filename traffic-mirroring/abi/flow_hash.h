/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The flow hash, for the data path and the sender: the same for both directions of a flow, on every
 * host of the same byte order, at any time. Both sides must compute the same number from the same packet.
 */
#pragma once

#include <linux/types.h>

/* A bijection of 64-bit words that spreads every input bit over all of them (MurmurHash3's finalizer). */
static inline __attribute__((always_inline)) __u64 hash_mix(__u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

/* One end of a flow. addr: network byte order, IPv4 in the first word, rest 0. port: host byte order. */
static inline __attribute__((always_inline)) __u64 hash_end(const __u32 *addr, __u16 port)
{
	__u64 low = (__u64)addr[1] << 32 | addr[0], high = (__u64)addr[3] << 32 | addr[2];

	return hash_mix(hash_mix(low) + (high ^ (__u64)port << 24));
}

/* The sum of both ends does not depend on their order. */
static inline __attribute__((always_inline)) __u64 hash_flow(__u64 end, __u64 other_end, __u8 proto)
{
	return hash_mix(end + other_end + proto);
}

/* hash to 0 … n-1, evenly */
static inline __attribute__((always_inline)) __u32 hash_share(__u32 hash, __u32 n)
{
	return (__u64)hash * n >> 32;
}
