/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The host's flow table, for filters that ask for it: the class of a flow, and how much of it has passed. */
#pragma once

#include "../abi/record.h"
#include "flow.bpf.h"
#include "maps.bpf.h"
#include "parse.bpf.h"
#include "tunnel.bpf.h"

#define TCP_SYN 0x02
#define TCP_ACK 0x10

static __always_inline __u16 flow_now(void)
{
	return bpf_jiffies64() >> 8;
}

static __always_inline struct mirror_flow_set *flow_set_of(__u32 sets, __u64 hash)
{
	__u32 set = flow_set(hash, sets);
	void *flows = host_map(&MAP(flows));

	return flows ? bpf_map_lookup_elem(flows, &set) : NULL;
}

/*
 * Makes the verifier take a value in a slot of eight bytes for unknown: a store to the other half. It then
 * follows what comes next once, not once for each value.
 */
#define SLOT __attribute__((aligned(8)))
static __always_inline void forget(__u32 *value)
{
	((volatile __u32 *)value)[1] = 1;
}

/* A way of a set, of which the verifier only knows that it is one; NULL: not one. */
static __always_inline struct mirror_flow *flow_at(struct mirror_flow_set *set, __u32 number)
{
	struct {
		__u32 number SLOT;
	} way = { number };
	struct mirror_flow *flow;

	asm volatile("" : : "r"(&way) : "memory");
	forget(&way.number);
	flow = way.number < MIRROR_FLOW_WAYS ? &set->flow[way.number & (MIRROR_FLOW_WAYS - 1)] : NULL;
	barrier_var(flow); /* compared itself, not its number */
	return flow;
}

static __always_inline void flow_use(struct mirror_flow *flow, __u16 seen)
{
	__u16 now = flow_now();

	/* most packets find it so: the line stays shared between CPUs */
	if (seen != now)
		flow->seen = now;
}

/* The first packet of a connection. */
static __always_inline bool begins(const struct mirror_packet *p)
{
	return p->proto == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

#define METHOD(a, b, c, d) bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* Whether the payload begins as a request of HTTP/1 does. */
static __always_inline bool is_request(struct __sk_buff *skb, const struct mirror_packet *p)
{
	__u32 start;

	if (p->proto != IPPROTO_TCP || !p->payload || p->payload + sizeof(start) > p->end ||
	    bpf_skb_load_bytes(skb, p->payload, &start, sizeof(start)))
		return false;
	return start == METHOD('G', 'E', 'T', ' ') || start == METHOD('P', 'O', 'S', 'T') ||
	       start == METHOD('H', 'E', 'A', 'D') || start == METHOD('P', 'U', 'T', ' ') ||
	       start == METHOD('D', 'E', 'L', 'E') || start == METHOD('O', 'P', 'T', 'I') ||
	       start == METHOD('P', 'A', 'T', 'C') || start == METHOD('C', 'O', 'N', 'N') ||
	       start == METHOD('T', 'R', 'A', 'C');
}

/* The class of the packet's flow. */
static __always_inline __u32 class_of(struct __sk_buff *skb, const struct mirror_bank *b,
				      const struct mirror_packet *p, __u64 hash)
{
	struct mirror_flow_set *set;
	struct mirror_flow *flow, found;

	if (is_icmp_error(p)) /* the sender knows which flow it is about */
		return CLASS_UNDECIDED;
	if (!p->ports || (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
		return CLASS_NONE;
	set = flow_set_of(b->flow_sets, hash);
	flow = set ? flow_at(set, flow_way(set, flow_tag(hash))) : NULL;
	if (!flow)
		return CLASS_UNDECIDED;
	found.head = *(volatile __u64 *)&flow->head;
	if (found.tag != flow_tag(hash))
		return CLASS_UNDECIDED;
	if (begins(p)) {
		flow->tag = 0;
		return CLASS_UNDECIDED;
	}
	flow_use(flow, found.seen);
	return found.class == CLASS_MIDDLE && is_request(skb, p) ? CLASS_UNDECIDED : found.class;
}

/* The filters in the rule set of this bank whose `domain` accepts a name. */
static __always_inline __u64 accept_name(const struct mirror_bank *b, __u32 class, __u32 bank)
{
	__u32 key = b->ruleset * MIRROR_MAX_CLASSES + class;
	void *accepts = host_map(&MAP(accepts));
	struct mirror_words *words = accepts ? bpf_map_lookup_elem(accepts, &key) : NULL;

	return words ? words->bank[bank & 1] : 0;
}

/* A new entry in a set; evicts another one if there is no room. */
static __always_inline struct mirror_flow *flow_add(struct mirror_flow_set *set, __u32 tag)
{
	__u16 now = flow_now();
	struct mirror_flow *flow = flow_at(set, flow_victim(set, now));
	struct mirror_state *state = NULL;

	if (!flow)
		return NULL;
	if (flow_in_use(flow, now))
		state = host_state();
	if (state)
		__atomic_fetch_add(&state->flow_evictions, 1, __ATOMIC_RELAXED);
	flow_give(flow, tag, CLASS_UNDECIDED, now);
	return flow;
}

/*
 * What a packet counts for `first`. A packet without payload is one byte, so that a long flow's
 * acknowledgements end, too.
 */
static __always_inline __u32 size_of(const struct __sk_buff *skb, const struct mirror_packet *p, __u32 first)
{
	if (first & FLOW_PACKETS)
		return skb->gso_segs ?: 1;
	if (!p->payload)
		return skb->len;
	return p->end > p->payload ? p->end - p->payload : 1;
}

/*
 * Whether the packet is within the first bytes or packets of its direction. If only its first segments are,
 * d says how many.
 */
static __always_inline bool within_first(struct __sk_buff *skb, const struct mirror_bank *b,
					 struct mirror_packet *p, const struct flow *f, __u32 first,
					 struct mirror_decision *d)
{
	__u64 hash = flow_count_hash(f->hash, skb->ifindex, RECORD_DIRECTION);
	struct mirror_flow_set *set = flow_set_of(b->flow_sets, hash);
	__u32 tag = flow_tag(hash), size, left;
	struct mirror_flow *flow;

	if (!set)
		return true;
	flow = flow_at(set, flow_way(set, tag));
	if (p->proto == IPPROTO_TCP && p->tcp_flags & FLOW_ALWAYS) {
		if (flow && p->tcp_flags & TCP_SYN)
			flow->count[f->direction] = 0;
		return true;
	}
	if (!flow)
		flow = flow_add(set, tag);
	if (!flow)
		return true;
	flow_use(flow, flow->seen);
	size = size_of(skb, p, first);
	left = flow_count(flow, f->direction, first, size);
	d->segments = flow_segments(first, left, size, skb->gso_size);
	if (d->segments && p->payload) /* in a tunnel there are more headers before the payload */
		d->len = p->payload + RECORD_HEAD_SIZE + d->segments * skb->gso_size;
	return left;
}
