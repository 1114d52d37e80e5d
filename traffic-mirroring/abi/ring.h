/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The primary ring of a CPU for a thread of the sender: the only value of an ARRAY with BPF_F_MMAPABLE. The
 * data path on that CPU is the only producer, the thread the only consumer. So there is no lock, and nothing
 * is reserved. Host byte order.
 *
 * head and tail count bytes since the ring was made. A record (record.h) begins at data[head % NEAR_SIZE], a
 * multiple of NEAR_ALIGN, and takes near_space() of its cap_len. No record wraps around: the last one may end
 * in the slack, and the next one begins as much later in data[] as if it had wrapped. What lies between
 * cap_len and the next record is of older records, and nobody may read it.
 *
 * Order. The producer sets busy, takes the time, writes the record, then head, then busy; each store is
 * visible to the consumer no later than the next. So whoever sees a head sees the records before it, and
 * whoever sees no busy and, after that, no new head knows that the next record will be younger. The consumer
 * stores tail after its last read of the records; the producer writes where tail has shown room.
 *
 * x86 keeps that order of stores by itself. arm64 does so only if head is written by an atomic that returns
 * the old value, which kernels have since 5.12; and with PREEMPT_RT, programs of a CPU may overlap. Such
 * hosts have no primary rings.
 */
#pragma once

#include "record.h"

/* A power of two; small, to stay in a core's cache: all of it is used in turn. */
#define NEAR_SIZE (256U << 10)
#define NEAR_ALIGN 64U /* a cache line */
#define NEAR_MAX_DATA 65536U /* larger records go to the overflow ring */

struct mirror_near {
	/* written by the producer */
	__u64 head; /* end of the last record */
	__u64 tail_seen; /* the tail when last looked at */
	__u32 busy; /* 1: a program on this CPU is writing; one that interrupts it must not */
	__u32 reserved[27];
	/* written by the consumer; 128 bytes apart, as processors fetch lines in pairs */
	__u64 tail; /* end of the records that are not needed any more */
	__u64 reserved_too[15];
	__u8 data[NEAR_SIZE + sizeof(struct mirror_record) + NEAR_MAX_DATA];
};
_Static_assert(sizeof(struct mirror_near) == 256 + NEAR_SIZE + 64 + NEAR_MAX_DATA, "no hidden padding");

static inline __attribute__((always_inline)) __u32 near_space(__u32 cap_len)
{
	return (sizeof(struct mirror_record) + cap_len + NEAR_ALIGN - 1) & ~(NEAR_ALIGN - 1);
}
