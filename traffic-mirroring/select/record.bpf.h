/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Fills a record from a packet, for either ring. */
#pragma once

#include <stdbool.h>

#include "../abi/record.h"
#include "maps.bpf.h"

/* GSO packets with more segments are rare, and copying them whole is as cheap. */
#define MAX_PIECES 64
#define LARGEST_CLASS 65536 /* of packets without BIG TCP */

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

/* len, with its limits visible to the verifier of 5.10: more than low, at most high, powers of two apart. */
static __always_inline __u32 within(__u32 len, const __u32 low, const __u32 high)
{
	len -= low + 1;
	barrier_var(len);
	return (len & (high - low - 1)) + low + 1;
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

/* The most bytes of data that pieces take; size: after the head. */
static __always_inline __u32 pieces_room(const __u32 size)
{
	return RECORD_HEAD_SIZE + size + RECORD_HEAD_SIZE;
}

/* The first bytes of all segments of a GSO packet, as in record.h. size: a power of two. */
static __always_inline void fill_pieces(struct mirror_record *r, struct __sk_buff *skb,
					const struct mirror_decision *d, const __u32 size)
{
	__u32 len = skb->len, gso_size = skb->gso_size, from = d->payload;
	__u32 stride = stride_of(d), at = 0, piece;

	fill(r, skb, d, RECORD_HEAD_SIZE);
	r->stride = stride;
	r->payload = d->payload;
	if (bpf_skb_load_bytes(skb, 0, r->data, RECORD_HEAD_SIZE)) {
		r->cap_len = 0;
		return;
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
}
