/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The overflow ring, a bpf_ringbuf: what finds no place in the primary one. It also wakes the sender,
 * for both. A full ring costs a failed reservation.
 */
#pragma once

#include "record.bpf.h"

#define SPILL_PIECES_SIZE 8192

/*
 * A record of one size class, for more than low bytes of data, at most high: the size of a reservation must
 * be a constant. Classes are powers of two apart, because the verifier of 5.10 learns the limits of a length
 * from masking.
 */
static __always_inline bool spill_class(struct __sk_buff *skb, const struct mirror_decision *d, void *ring,
					const __u32 low, const __u32 high, __u32 len)
{
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + high, 0);

	if (!r)
		return false;
	fill(r, skb, d, len);
	if (bpf_skb_load_bytes(skb, 0, r->data, within(len, low, high)))
		r->cap_len = 0;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return true;
}

static __always_inline bool spill_pieces(struct __sk_buff *skb, const struct mirror_decision *d, void *ring)
{
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + pieces_room(SPILL_PIECES_SIZE), 0);

	if (!r)
		return false;
	fill_pieces(r, skb, d, SPILL_PIECES_SIZE);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return true;
}

/* Packets above LARGEST_CLASS: with headers beyond 64 KiB, or BIG TCP. */
static __always_inline bool spill_super(struct __sk_buff *skb, const struct mirror_decision *d, void *ring,
					__u32 len)
{
	if (len > RECORD_MAX_DATA)
		len = RECORD_MAX_DATA;
	/* the class is a power of two below twice the length, and the ring a larger one */
	if (len > RECORD_SURE_DATA && bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) < 2ULL * len)
		len = RECORD_SURE_DATA;
	if (len <= RECORD_SURE_DATA)
		return spill_class(skb, d, ring, LARGEST_CLASS, RECORD_SURE_DATA, len);
	if (len <= 2 * LARGEST_CLASS)
		return spill_class(skb, d, ring, LARGEST_CLASS, 2 * LARGEST_CLASS, len);
	if (len <= 4 * LARGEST_CLASS)
		return spill_class(skb, d, ring, 2 * LARGEST_CLASS, 4 * LARGEST_CLASS, len);
	return spill_class(skb, d, ring, 4 * LARGEST_CLASS, RECORD_MAX_DATA, len);
}

/* By size. */
static __always_inline bool spill_put(struct __sk_buff *skb, const struct mirror_decision *d, void *ring,
				      __u32 len)
{
	if (len <= 128)
		return spill_class(skb, d, ring, 0, 128, len);
	if (len <= 256)
		return spill_class(skb, d, ring, 128, 256, len);
	if (len <= 512)
		return spill_class(skb, d, ring, 256, 512, len);
	if (len <= 1536)
		return spill_class(skb, d, ring, 512, 1536, len);
	if (len <= 2048)
		return spill_class(skb, d, ring, 1536, 2048, len);
	if (len <= 4096)
		return spill_class(skb, d, ring, 2048, 4096, len);
	if (len <= 8192)
		return spill_class(skb, d, ring, 4096, 8192, len);
	if (len <= 16384)
		return spill_class(skb, d, ring, 8192, 16384, len);
	if (len <= 32768)
		return spill_class(skb, d, ring, 16384, 32768, len);
	if (len <= LARGEST_CLASS)
		return spill_class(skb, d, ring, 32768, LARGEST_CLASS, len);
	return spill_super(skb, d, ring, len);
}

/*
 * Wakes a thread of the sender if it says that it sleeps, with an empty record. Whoever does clears the flag:
 * one wake-up is enough for all records until it runs. Call it after the record is in its ring.
 */
static __always_inline void spill_ring_bell(void *ring, volatile __u8 *sleeping)
{
	__u64 *bell;

	if (!*sleeping)
		return;
	bell = bpf_ringbuf_reserve(ring, sizeof(*bell), 0);
	if (!bell)
		return;
	*sleeping = 0;
	bpf_ringbuf_discard(bell, BPF_RB_FORCE_WAKEUP);
}
