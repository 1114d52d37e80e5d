/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Delivery that only reads the packet: copies its bytes into a ring of this CPU, for the sender. The select
 * program does the usual case itself: one block that finds a place in the primary ring while the sender is
 * awake. The rest is for the delivery program, which the verifier follows once.
 */
#pragma once

#include "near.bpf.h"
#include "spill.bpf.h"

/* Why there is to be no copy: an outcome; OUT_NONE: there is to be one. */
static __always_inline __u32 refuses(const struct mirror_state *state, const struct mirror_decision *d)
{
	/* which group an undecided packet goes to, if any, is not known */
	bool undecided = d->flags & RECORD_UNDECIDED;
	__u32 slot = d->group % MIRROR_MAX_GROUPS;

	if (!state || !state->present)
		return OUT_NO_SENDER;
	if (!undecided && state->stopped[slot])
		return OUT_LINK_DOWN;
	if (d->hash < state->shed || (!undecided && d->hash < state->group_shed[slot]))
		return OUT_SHED;
	return OUT_NONE;
}

/* The bytes of a record of one block; 0: it may be in pieces. */
static __always_inline __u32 block_len(const struct __sk_buff *skb, const struct mirror_decision *d)
{
	__u32 len = needed(skb, d);

	if (!d->snaplen || d->snaplen >= len)
		return len;
	if (!skb->gso_size)
		return d->snaplen;
	return d->snaplen > RECORD_HEAD_SIZE ? len : 0;
}

/* The thread of the sender that the record is for. */
static __always_inline __u32 thread_of(const struct mirror_state *state, const struct mirror_decision *d)
{
	return d->hash & state->thread_mask & (MIRROR_MAX_THREADS - 1);
}

static __always_inline __u32 success(const struct mirror_decision *d)
{
	return d->flags & RECORD_UNDECIDED ? OUT_UNDECIDED : OUT_RING;
}

/*
 * The usual case. OUT_NONE: it is another one, or the sender must be woken: d->outcome says that the record
 * is in the ring.
 */
static __always_inline __u32 copy_to_near(struct __sk_buff *skb, struct mirror_decision *d)
{
	struct mirror_state *state = host_state();
	__u32 outcome = refuses(state, d), len = block_len(skb, d);
	struct mirror_near *near;
	__u32 thread;

	if (outcome != OUT_NONE)
		return outcome;
	thread = thread_of(state, d);
	near = near_ring(ring_key(thread, bpf_get_smp_processor_id()));
	if (!near || !len || len > NEAR_MAX_DATA || !near_put(skb, d, near, len))
		return OUT_NONE;
	if (!*(volatile __u8 *)&state->sleeping[thread])
		return success(d);
	d->outcome = success(d);
	return OUT_NONE;
}

/* Into the primary ring or, if it cannot take them, the overflow ring; false: nor can that. */
static __always_inline bool put_pieces(struct __sk_buff *skb, const struct mirror_decision *d,
				       struct mirror_near *near, void *spill)
{
	if (near && pieces_fit(skb, d, NEAR_PIECES_SIZE) && near_put_pieces(skb, d, near))
		return true;
	return pieces_fit(skb, d, SPILL_PIECES_SIZE) && spill_pieces(skb, d, spill);
}

/* What the select program has left: also what may be cloned, which has looked for that first. */
static __always_inline bool put(struct __sk_buff *skb, const struct mirror_decision *d, __u32 key,
				void *spill)
{
	__u32 len = block_len(skb, d);
	struct mirror_near *near = near_ring(key);

	if (!len && put_pieces(skb, d, near, spill))
		return true;
	if (near && len && len <= NEAR_MAX_DATA && near_put(skb, d, near, len))
		return true;
	return spill_put(skb, d, spill, len ?: needed(skb, d));
}

/* The delivery program's part. */
static __always_inline __u32 copy_to_ring(struct __sk_buff *skb, const struct mirror_decision *d)
{
	struct mirror_state *state = host_state();
	__u32 outcome = refuses(state, d), thread, key;
	void *spill;

	if (outcome != OUT_NONE)
		return outcome;
	thread = thread_of(state, d);
	key = ring_key(thread, bpf_get_smp_processor_id());
	spill = bpf_map_lookup_elem(&MAP(rings), &key);
	if (!spill)
		return OUT_NO_SENDER;
	if (d->outcome == OUT_NONE && !put(skb, d, key, spill))
		return OUT_RING_FULL;
	spill_ring_bell(spill, &state->sleeping[thread]);
	return success(d);
}
