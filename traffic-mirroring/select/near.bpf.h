/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The producer of the primary ring (../abi/ring.h). */
#pragma once

#include "../abi/ring.h"
#include "record.bpf.h"

static __always_inline struct mirror_near *near_ring(__u32 key)
{
	__u32 zero = 0;
	void *near = bpf_map_lookup_elem(&MAP(near), &key);

	return near ? bpf_map_lookup_elem(near, &zero) : NULL;
}

/* The tail is on a line that the consumer writes: it is read only when the one seen last shows no room. */
static __always_inline bool near_has_room(struct mirror_near *n, __u64 end)
{
	if (end - n->tail_seen <= NEAR_SIZE)
		return true;
	n->tail_seen = *(volatile __u64 *)&n->tail;
	return end - n->tail_seen <= NEAR_SIZE;
}

/*
 * A place for a record with len bytes of data; near_end() must follow. NULL: there is no room, or we have
 * interrupted a program of this CPU that is writing. busy comes first: whoever interrupts us moves head.
 */
static __always_inline struct mirror_record *near_begin(struct mirror_near *n, __u32 len)
{
	__u64 head;

	if (*(volatile __u32 *)&n->busy)
		return NULL;
	*(volatile __u32 *)&n->busy = 1;
	barrier();
	head = n->head;
	if (near_has_room(n, head + near_space(len)))
		return (void *)n->data + (head & (NEAR_SIZE - NEAR_ALIGN));
	n->busy = 0;
	return NULL;
}

/*
 * The consumer must see the record before the head, and the head before the end of busy (ring.c: has_more()).
 * Hosts with these rings (../abi/ring.h) show stores in their order: only the compiler must keep it.
 */
static __always_inline void near_end(struct mirror_near *n, const struct mirror_record *r)
{
	__u64 head = n->head + near_space(r->cap_len);

	barrier();
	*(volatile __u64 *)&n->head = head;
	barrier();
	*(volatile __u32 *)&n->busy = 0;
}

#define BLOCK 64

static __always_inline void copy_block(void *to, const void *from)
{
	__u64 *t = to;
	const __u64 *f = from;

#pragma unroll
	for (int i = 0; i < BLOCK / 8; i++)
		t[i] = f[i];
}

/* The first len bytes of the packet without a helper, if they are two blocks, which may overlap. */
static __always_inline bool copy_short(struct mirror_record *r, const struct __sk_buff *skb, __u32 len)
{
	const __u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *last;

	len -= BLOCK;
	barrier_var(len);
	if (len > BLOCK)
		return false;
	last = data + len;
	if (last + BLOCK > end)
		return false;
	if (data + BLOCK > end)
		return false;
	copy_block(r->data, data);
	copy_block(r->data + len, last);
	return true;
}

static __always_inline bool near_put(struct __sk_buff *skb, const struct mirror_decision *d,
				     struct mirror_near *n, __u32 len)
{
	struct mirror_record *r = near_begin(n, len);

	if (!r)
		return false;
	fill(r, skb, d, len);
	if (!copy_short(r, skb, len) && bpf_skb_load_bytes(skb, 0, r->data, within(len, 0, NEAR_MAX_DATA)))
		r->cap_len = 0;
	near_end(n, r);
	return true;
}

#define NEAR_PIECES_SIZE 16384

static __always_inline bool near_put_pieces(struct __sk_buff *skb, const struct mirror_decision *d,
					    struct mirror_near *n)
{
	struct mirror_record *r = near_begin(n, pieces_room(NEAR_PIECES_SIZE));

	if (!r)
		return false;
	fill_pieces(r, skb, d, NEAR_PIECES_SIZE);
	near_end(n, r);
	return true;
}
