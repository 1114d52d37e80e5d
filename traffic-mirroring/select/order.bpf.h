/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies to a kernel device through the ring or, if they are large, by a clone, in the order of their flow:
 * its entry in the host's flow table says when its last record was published, the sender until when all have
 * been sent. Without an entry a packet takes the ring. After 73 minutes a time may seem to be a later one:
 * that costs a record.
 */
#pragma once

#include "flow_table.bpf.h"
#include "ring.bpf.h"

#define ORDER_SALT 0x6f72646572000000ULL /* an entry of its own, apart from that of `first` */

/* In the unit of an entry, of which it holds the low 32 bits. */
static __always_inline __u64 order_time(__u64 ns)
{
	return ns >> 10;
}

/* The last one with these bits. */
static __always_inline __u64 order_time_of(__u32 bits)
{
	__u64 now = order_time(bpf_ktime_get_ns());

	return now - (__u32)((__u32)now - bits);
}

/* The flow's entry, if there is one; else, if add, a new one. */
static __always_inline struct mirror_flow *order_flow(const struct __sk_buff *skb,
						      const struct mirror_decision *d, bool add)
{
	__u64 hash = flow_count_hash((__u64)d->tag << 32 | d->hash, skb->ifindex, RECORD_DIRECTION) ^
		     ORDER_SALT;
	struct mirror_flow_set *set = flow_set_of(d->flow_sets, hash);
	struct mirror_flow *flow;

	if (!set)
		return NULL;
	flow = flow_at(set, flow_way(set, flow_tag(hash)));
	if (!flow && add)
		flow = flow_add(set, flow_tag(hash));
	return flow;
}

/* Until when all threads have sent what was published; a flow may have changed its thread. */
static __always_inline __u64 sent_until(const struct mirror_state *state)
{
	__u64 until = -1ULL;

	for (__u32 i = 0; i < MIRROR_MAX_THREADS; i++) {
		__u64 sent = *(volatile __u64 *)&state->sent_until[i];

		if (i <= state->thread_mask && sent < until)
			until = sent;
	}
	return until;
}

/* Whether to clone a packet: it is large, the ring would take it, and the flow's records have been sent. */
static __always_inline bool order_clones(const struct __sk_buff *skb, const struct mirror_decision *d)
{
	struct mirror_state *state;
	struct mirror_flow *flow;

	if (skb->len <= d->clone_above)
		return false;
	state = host_state();
	if (!state || state->limited || refuses(state, d))
		return false;
	flow = order_flow(skb, d, false);
	return flow && order_time_of(flow->count[0]) < order_time(sent_until(state));
}

/* After a record of the flow has been published. */
static __always_inline void order_add(const struct __sk_buff *skb, const struct mirror_decision *d)
{
	struct mirror_flow *flow = order_flow(skb, d, true);

	if (!flow)
		return;
	flow->count[0] = order_time(bpf_ktime_get_ns());
	flow_use(flow, flow->seen);
}
