/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The delivery program that only reads the packet: copies its bytes into this CPU's ring, for the sender. No
 * wake-up unless the sender's flag says that it sleeps; a full ring costs a failed reservation.
 */
#pragma once

#include <stdbool.h>

#include "../abi/record.h"
#include "maps.bpf.h"

/*
 * Size classes of a record's data: the size of a reservation must be a constant. They are powers of two
 * apart, because the verifier of 5.10 learns the limits of a length from masking.
 */
#define LARGEST_CLASS 65536 /* of packets without BIG TCP */

/* GSO packets with more segments are rare, and copying them whole is as cheap. */
#define MAX_PIECES 64
#define FEW_PIECES_SIZE 4096
#define MANY_PIECES_SIZE 16384

static __always_inline void fill(struct mirror_record *r, struct __sk_buff *skb,
				 const struct mirror_decision *d, __u32 len)
{
	r->time_ns = bpf_ktime_get_ns();
	r->wire_len = skb->len;
	r->cap_len = len;
	r->snaplen = d->snaplen;
	r->group = d->group;
	r->hash = d->hash;
	r->ifindex = skb->ifindex;
	r->gso_size = skb->gso_size;
	r->vlan_tci = skb->vlan_tci;
	r->vlan_proto = skb->vlan_present ? skb->vlan_proto : 0;
	r->filter = d->filter;
	r->flags = d->flags;
	r->stride = 0;
	r->segments = d->segments;
	r->ruleset = d->ruleset;
	/* the last four: they follow each other in both */
	__builtin_memcpy(&r->candidates, &d->candidates,
			 sizeof(*r) - offsetof(struct mirror_record, candidates));
}

/* Of the sender, which the record is for. */
static __always_inline __u32 thread_of(__u32 hash, const struct mirror_state *state)
{
	return hash & state->thread_mask & (MIRROR_MAX_THREADS - 1);
}

/*
 * Read the wake-up flag last, just before submitting. A producer clears it before it wakes the sender: one
 * wake-up is enough for all records until the sender runs.
 */
static __always_inline void submit(struct mirror_record *r, struct mirror_state *state)
{
	volatile __u8 *sleeping = &state->sleeping[thread_of(r->hash, state)];
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (*sleeping) {
		*sleeping = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(r, flags);
}

/* len, with its limits visible to the verifier of 5.10: more than low, at most high. */
static __always_inline __u32 within(__u32 len, const __u32 low, const __u32 high)
{
	len -= low + 1;
	barrier_var(len);
	return (len & (high - low - 1)) + low + 1;
}

/* A record of one class, for more than low bytes of data, at most high. */
static __always_inline __u32 put(struct __sk_buff *skb, const struct mirror_decision *d,
				 struct mirror_state *state, void *ring, const __u32 low, const __u32 high,
				 __u32 len)
{
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + high, 0);

	if (!r)
		return OUT_RING_FULL;
	fill(r, skb, d, len);
	if (bpf_skb_load_bytes(skb, 0, r->data, within(len, low, high)))
		r->cap_len = 0;
	submit(r, state);
	return OUT_RING;
}

/* The bytes that copies need of the packet, but for snaplen. */
static __always_inline __u32 needed(const struct __sk_buff *skb, const struct mirror_decision *d)
{
	return d->len && d->len < skb->len ? d->len : skb->len;
}

/* The bytes that copies need of each segment's payload. */
static __always_inline __u32 stride_of(const struct mirror_decision *d)
{
	return d->snaplen > d->payload ? d->snaplen - d->payload : 0;
}

/* Whether a record of the first bytes of all segments, size bytes after the head, is worth its cost. */
static __always_inline bool pieces_fit(const struct __sk_buff *skb, const struct mirror_decision *d,
				       const __u32 size)
{
	__u32 pieces = skb->len / skb->gso_size;

	return d->payload && d->snaplen <= RECORD_HEAD_SIZE && skb->len > RECORD_HEAD_SIZE &&
	       skb->len <= LARGEST_CLASS && pieces <= MAX_PIECES && pieces * stride_of(d) <= size;
}

/* The first bytes of all segments of a GSO packet, as in record.h. size: of the pieces after the head. */
static __always_inline __u32 put_pieces(struct __sk_buff *skb, const struct mirror_decision *d,
					struct mirror_state *state, void *ring, const __u32 size)
{
	const __u32 room = RECORD_HEAD_SIZE + size + RECORD_HEAD_SIZE;
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + room, 0);
	__u32 len = skb->len, gso_size = skb->gso_size, from = d->payload;
	__u32 stride = stride_of(d), at = 0, piece;

	if (!r)
		return OUT_RING_FULL;
	fill(r, skb, d, RECORD_HEAD_SIZE);
	r->stride = stride;
	r->payload = d->payload;
	if (bpf_skb_load_bytes(skb, 0, r->data, RECORD_HEAD_SIZE)) {
		r->cap_len = 0;
		goto out;
	}
	for (int i = 0; stride && i < MAX_PIECES; i++) {
		from += gso_size;
		if (from >= len || i + 1 == d->segments)
			break;
		piece = len - from < stride ? len - from : stride;
		if (bpf_skb_load_bytes(skb, from, r->data + RECORD_HEAD_SIZE + (at & (size - 1)),
				       within(piece, 0, RECORD_HEAD_SIZE))) {
			r->cap_len = 0;
			break;
		}
		r->cap_len = RECORD_HEAD_SIZE + at + piece;
		at += stride;
	}
out:
	submit(r, state);
	return OUT_RING;
}

/* Packets above LARGEST_CLASS: with headers beyond 64 KiB, or BIG TCP. last: there is no other ring. */
static __always_inline __u32 put_super(struct __sk_buff *skb, const struct mirror_decision *d,
				       struct mirror_state *state, void *ring, __u32 len, bool last)
{
	if (len > RECORD_MAX_DATA)
		len = RECORD_MAX_DATA;
	/* the class is a power of two below twice the length, and the ring a larger one */
	if (len > RECORD_SURE_DATA && bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) < 2ULL * len) {
		if (!last)
			return OUT_RING_FULL;
		len = RECORD_SURE_DATA;
	}
	if (len <= RECORD_SURE_DATA)
		return put(skb, d, state, ring, LARGEST_CLASS, RECORD_SURE_DATA, len);
	if (len <= 2 * LARGEST_CLASS)
		return put(skb, d, state, ring, LARGEST_CLASS, 2 * LARGEST_CLASS, len);
	if (len <= 4 * LARGEST_CLASS)
		return put(skb, d, state, ring, 2 * LARGEST_CLASS, 4 * LARGEST_CLASS, len);
	return put(skb, d, state, ring, 4 * LARGEST_CLASS, RECORD_MAX_DATA, len);
}

/* Into one ring, by size. */
static __always_inline __u32 put_any(struct __sk_buff *skb, const struct mirror_decision *d,
				     struct mirror_state *state, void *ring, bool last)
{
	__u32 len = needed(skb, d);

	if (d->snaplen && d->snaplen < len) {
		if (!skb->gso_size)
			len = d->snaplen;
		else if (pieces_fit(skb, d, FEW_PIECES_SIZE))
			return put_pieces(skb, d, state, ring, FEW_PIECES_SIZE);
		else if (pieces_fit(skb, d, MANY_PIECES_SIZE))
			return put_pieces(skb, d, state, ring, MANY_PIECES_SIZE);
	}
	if (len <= 64)
		return put(skb, d, state, ring, 0, 64, len);
	if (len <= 128)
		return put(skb, d, state, ring, 64, 128, len);
	if (len <= 256)
		return put(skb, d, state, ring, 128, 256, len);
	if (len <= 512)
		return put(skb, d, state, ring, 256, 512, len);
	if (len <= 1024)
		return put(skb, d, state, ring, 512, 1024, len);
	if (len <= 1536)
		return put(skb, d, state, ring, 1024, 1536, len);
	if (len <= 2048)
		return put(skb, d, state, ring, 1536, 2048, len);
	if (len <= 4096)
		return put(skb, d, state, ring, 2048, 4096, len);
	if (len <= 8192)
		return put(skb, d, state, ring, 4096, 8192, len);
	if (len <= 16384)
		return put(skb, d, state, ring, 8192, 16384, len);
	if (len <= 32768)
		return put(skb, d, state, ring, 16384, 32768, len);
	if (len <= LARGEST_CLASS)
		return put(skb, d, state, ring, 32768, LARGEST_CLASS, len);
	return put_super(skb, d, state, ring, len, last);
}

/* Why there is to be no copy: an outcome; OUT_NONE: there is to be one. */
static __always_inline __u32 refuses(const struct mirror_state *state, const struct mirror_decision *d)
{
	/* which group an undecided packet goes to, if any, is not known */
	bool undecided = d->flags & RECORD_UNDECIDED;

	if (!state->present)
		return OUT_NO_SENDER;
	if (!undecided && state->stopped[d->group % MIRROR_MAX_GROUPS])
		return OUT_LINK_DOWN;
	if (d->hash < state->shed ||
	    (!undecided && d->hash < state->group_shed[d->group % MIRROR_MAX_GROUPS]))
		return OUT_SHED;
	return OUT_NONE;
}

static __always_inline __u32 copy_to_ring(struct __sk_buff *skb, const struct mirror_decision *d)
{
	struct mirror_state *state = host_state();
	__u32 key, outcome = state ? refuses(state, d) : OUT_NO_SENDER;
	void *ring;

	if (outcome || !state)
		return outcome;
	outcome = OUT_NO_SENDER;

	/* this CPU's primary ring; if that is full its overflow ring */
	key = ring_key(thread_of(d->hash, state), bpf_get_smp_processor_id());
	for (int tries = 0; tries < 2; tries++) {
		ring = tries ? bpf_map_lookup_elem(&MAP(rings), &key) : bpf_map_lookup_elem(&MAP(near), &key);
		if (!ring)
			break;
		outcome = put_any(skb, d, state, ring, tries);
		if (outcome != OUT_RING_FULL)
			break;
	}
	return outcome == OUT_RING && d->flags & RECORD_UNDECIDED ? OUT_UNDECIDED : outcome;
}
