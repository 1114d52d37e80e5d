/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The exit that only reads the packet: its bytes go into this CPU's ring, for the sender. No wake-up
 * unless the sender says that it sleeps; a full ring costs a failed reservation.
 */
#ifndef MIRRORING_RING_BPF_H
#define MIRRORING_RING_BPF_H

#include "../record.h"
#include "maps.bpf.h"

/*
 * Room for data of a record. A reservation's size has to be a constant, so there are classes; powers of two, because
 * masking is how the verifier of 5.10 comes to know that a length is neither 0 nor too large.
 */
#define SMALLEST_CLASS 64
#define LARGEST_CLASS 65536
/* What a GSO packet has beyond LARGEST_CLASS: its headers down to the IP header. */
#define OVERHANG 256

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
	r->filter = d->filter + 1;
	r->flags = d->flags;
}

/*
 * The wake-up flag is read last, as near to the submission as can be. Who wakes the sender takes the flag down, before
 * the sender can wake: one wake-up is enough for all that come until it runs.
 */
static __always_inline void submit(struct mirror_record *r, struct mirror_state *state)
{
	volatile __u32 *sleeping = &state->sleeping;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (*sleeping) {
		*sleeping = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(r, flags);
}

/* A record of one class. size: its data, a constant power of two; len: 1 to size. */
static __always_inline __u32 put(struct __sk_buff *skb, const struct mirror_decision *d,
				 struct mirror_state *state, void *ring, const __u32 size, __u32 len)
{
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + size, 0);

	if (!r)
		return OUT_RING_FULL;
	fill(r, skb, d, len);
	len -= 1;
	barrier_var(len);
	len &= size - 1;
	len += 1;
	if (bpf_skb_load_bytes(skb, 0, r->data, len))
		r->cap_len = 0;
	submit(r, state);
	return OUT_RING;
}

/* A GSO packet whose headers come on top of 64 KiB. What is longer still (BIG TCP) is cut here. */
static __always_inline __u32 put_largest(struct __sk_buff *skb, const struct mirror_decision *d,
					 struct mirror_state *state, void *ring, __u32 len)
{
	struct mirror_record *r = bpf_ringbuf_reserve(ring, sizeof(*r) + LARGEST_CLASS + OVERHANG, 0);
	__u32 rest = len - LARGEST_CLASS;

	if (!r)
		return OUT_RING_FULL;
	if (rest > OVERHANG)
		rest = OVERHANG;
	fill(r, skb, d, LARGEST_CLASS + rest);
	rest -= 1;
	barrier_var(rest);
	rest &= OVERHANG - 1;
	rest += 1;
	if (bpf_skb_load_bytes(skb, 0, r->data, LARGEST_CLASS) ||
	    bpf_skb_load_bytes(skb, LARGEST_CLASS, r->data + LARGEST_CLASS, rest))
		r->cap_len = 0;
	submit(r, state);
	return OUT_RING;
}

static __always_inline __u32 copy_to_ring(struct __sk_buff *skb, const struct mirror_decision *d)
{
	__u32 zero = 0, cpu = bpf_get_smp_processor_id(), len = skb->len;
	struct mirror_state *state;
	void *states, *ring;

	states = bpf_map_lookup_elem(&MAP(state), &zero);
	ring = bpf_map_lookup_elem(&MAP(rings), &cpu);
	if (!states || !ring)
		return OUT_NO_SENDER;
	state = bpf_map_lookup_elem(states, &zero);
	if (!state || !state->present)
		return OUT_NO_SENDER;
	if (state->stopped[d->group % MIRROR_MAX_GROUPS])
		return OUT_LINK_DOWN;
	if (d->hash < state->shed || d->hash < state->group_shed[d->group % MIRROR_MAX_GROUPS])
		return OUT_SHED;

	/* of a GSO packet the beginning of each segment is wanted: all of it is taken */
	if (d->snaplen && d->snaplen < len && !skb->gso_size)
		len = d->snaplen;
	if (len <= SMALLEST_CLASS)
		return put(skb, d, state, ring, SMALLEST_CLASS, len);
	if (len <= 128)
		return put(skb, d, state, ring, 128, len);
	if (len <= 256)
		return put(skb, d, state, ring, 256, len);
	if (len <= 512)
		return put(skb, d, state, ring, 512, len);
	if (len <= 1024)
		return put(skb, d, state, ring, 1024, len);
	if (len <= 2048)
		return put(skb, d, state, ring, 2048, len);
	if (len <= 4096)
		return put(skb, d, state, ring, 4096, len);
	if (len <= 16384)
		return put(skb, d, state, ring, 16384, len);
	if (len <= LARGEST_CLASS)
		return put(skb, d, state, ring, LARGEST_CLASS, len);
	return put_largest(skb, d, state, ring, len);
}

#endif
