/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The path of a packet: parse, match, decide; then the delivery program that makes the copy, if one is
 * wanted; and always the next program of the chain, with a verdict that never depends on mirroring.
 *
 * Delivery programs are separate: the verifier checks each of them once, not at the end of each path through
 * the select program. And cloning can change the packet: the others call no helper that could.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "count.bpf.h"
#include "flow.bpf.h"
#include "flow_table.bpf.h"
#include "maps.bpf.h"
#include "match.bpf.h"
#include "order.bpf.h"
#include "parse.bpf.h"
#include "ring.bpf.h"
#include "tunnel.bpf.h"

/* UNSPEC: other programs attached to this hook still see the packet. */
static __always_inline int next_program(struct __sk_buff *skb)
{
	bpf_tail_call_static(skb, &MAP(jmp_table), 0);
	return TC_ACT_UNSPEC;
}

static __always_inline void datagram_of(struct mirror_packet *p, struct mirror_datagram *key)
{
	complete_addresses(p);
	__builtin_memcpy(key->src, p->src, sizeof(key->src));
	__builtin_memcpy(key->dst, p->dst, sizeof(key->dst));
	key->id = p->fragment_id;
	key->family = p->family;
	key->proto = p->family == 4 ? p->proto : 0;
	key->vlan = p->vlan == NO_VLAN ? 0 : p->vlan;
}

static __always_inline __u32 no_match(const struct mirror_packet *p)
{
	return unlikely(p->malformed) ? OUT_MALFORMED : OUT_NO_MATCH;
}

/* What the sender must know of a packet whose filter depends on the name of its flow. */
struct undecided {
	__u64 candidates; /* filters that are left; 0: it is decided */
	__u64 hash;
};

/*
 * Applies the name of the packet's flow to word. The lowest bit decides then, unless the name must be
 * known first and is not.
 */
static __always_inline __u64 narrow_name(struct __sk_buff *skb, const struct mirror_bank *b,
					 struct mirror_packet *p, __u32 bank, __u64 word, struct undecided *u)
{
	__u64 tests = b->tests[DIM_DOMAIN], rest = word & ~tests;
	__u32 class;

	/* a connection that begins forgets the name of the one before, whichever filter decides */
	if (!(word & -word & tests) && !begins(p))
		return word;
	u->hash = flow_of(p).hash;
	class = class_of(skb, b, p, u->hash);
	if (class >= CLASS_FIRST)
		return word & (~tests | accept_name(b, class, bank));
	/* up to the first filter that accepts every name */
	word &= rest ^ (rest - 1);
	if (class != CLASS_UNDECIDED || !(word & tests) || !(word & b->wants))
		return rest;
	u->candidates = word;
	return word;
}

static __always_inline void tell_sender(const struct mirror_bank *b, const struct undecided *u, __u32 bank,
					struct mirror_decision *d)
{
	d->candidates = u->candidates;
	d->tag = flow_tag(u->hash);
	d->seen = flow_now();
	d->ruleset = b->ruleset;
	d->hash = u->hash;
	d->flags |= RECORD_UNDECIDED | (bank ? RECORD_BANK : 0);
	d->exit = EXIT_RING;
}

/* The row of the filter that decides; NULL: there is none, or it copies nothing, and d has the outcome. */
static __always_inline struct mirror_filter *deciding(const struct mirror_packet *p, __u32 bank, __u64 word,
						      struct mirror_decision *d)
{
	struct mirror_filter *f;
	__u32 key;

	if (!word) {
		d->outcome = no_match(p);
		return NULL;
	}
	key = lowest_bit(word);
	d->filter = key + 1;
	d->row = key += bank * MIRROR_MAX_FILTERS;
	f = bpf_map_lookup_elem(&MAP(filters), &key);
	if (!f) {
		d->outcome = OUT_NO_EXIT;
		return NULL;
	}
	/* count counts what mirror would copy: later */
	if (f->action != ACTION_COUNT)
		d->counter = f->counter;
	if (f->action == ACTION_SKIP) {
		d->outcome = OUT_SKIPPED;
		return NULL;
	}
	return f;
}

/* Whether the flow is in the sample and the packet within its first bytes; if not, d has the outcome. */
static __always_inline bool selects(struct __sk_buff *skb, const struct mirror_bank *b,
				    const struct mirror_filter *f, struct mirror_packet *p,
				    struct mirror_decision *d)
{
	struct flow flow;

	if (f->sample <= 1 && f->devices <= 1 && f->exit != EXIT_RING && !f->first)
		return true;
	flow = flow_of(p);
	/* two independent halves: a flow's device must not depend on whether it is sampled */
	d->hash = flow.hash;
	d->tag = flow.hash >> 32;
	if (hash_share(flow.hash >> 32, f->sample)) {
		d->outcome = OUT_SAMPLED_OUT;
		return false;
	}
	if (f->first && !within_first(skb, b, p, &flow, f->first, d)) {
		d->outcome = OUT_BEYOND_FIRST;
		return false;
	}
	return true;
}

/* Whether a device takes a clone: one without link-layer header takes away that, but would keep its tags. */
static __always_inline bool takes(__u32 l3, const struct mirror_packet *p)
{
	return !l3 || (p->family && p->vlan == NO_VLAN);
}

/* What the ring's program must know, which may clone. */
static __always_inline void may_clone(const struct mirror_bank *b, const struct mirror_filter *f,
				      const struct mirror_packet *p, struct mirror_decision *d)
{
	d->ifindex = f->device[0].ifindex;
	d->l3 = f->device[0].l3;
	d->flow_sets = b->flow_sets;
	d->clone_above = takes(d->l3, p) ? f->clone_above : -1U;
}

/* Applies the filters in word. */
static __always_inline void decide(struct __sk_buff *skb, const struct mirror_bank *b,
				   struct mirror_packet *p, __u32 bank, __u64 word, const struct undecided *u,
				   struct mirror_decision *d)
{
	struct mirror_filter *f = NULL;

	if (word && p->fragment == FRAGMENT_LATER && !(word & -word & b->without_l4)) {
		d->outcome = OUT_FRAGMENT_UNKNOWN;
		return;
	}
	if (!u->candidates) {
		f = deciding(p, bank, word, d);
		if (!f)
			return;
	}
	if (tunnelled(b, p, bank)) {
		d->outcome = OUT_OWN_COPY;
		return;
	}
	d->payload = p->payload;
	if (b->outers && is_icmp_error(p))
		d->flags |= DECISION_QUOTES | (bank ? DECISION_BANK : 0);
	if (!f) {
		tell_sender(b, u, bank, d);
		return;
	}
	if (!selects(skb, b, f, p, d))
		return;
	if (f->action == ACTION_COUNT) {
		d->counter = f->counter;
		d->outcome = OUT_COUNTED;
		return;
	}
	d->exit = f->exit;
	d->snaplen = f->snaplen;
	if (f->trim & TRIM_HEADERS)
		d->flags |= RECORD_HEADERS | (f->trim & TRIM_ZERO ? RECORD_ZERO : 0);
	d->group = f->group;
	if (f->clone_above)
		may_clone(b, f, p, d);
	if (f->exit == EXIT_DEVICE) {
		/* the mask only tells the verifier the limit */
		__u32 device = hash_share(d->hash, f->devices) & (MIRROR_MAX_DEVICES - 1);

		d->ifindex = f->device[device].ifindex;
		d->l3 = f->device[device].l3;
		if (!takes(d->l3, p))
			d->outcome = OUT_DEVICE_NOT_IP;
	}
}

/* The counter of a datagram's filter, unless a commit has made another rule of it meanwhile. */
static __always_inline __u32 counter_of(const struct mirror_decision *first)
{
	__u32 key = first->row;
	struct mirror_filter *f = bpf_map_lookup_elem(&MAP(filters), &key);

	return f && f->counter == first->counter && f->since_ns <= first->time_ns ? f->counter : 0;
}

/* Fragments of one datagram share the decision of the first; other packets are decided independently. */
static __always_inline void decide_datagram(struct __sk_buff *skb, const struct mirror_bank *b,
					    struct mirror_packet *p, __u32 bank, __u64 word,
					    const struct undecided *u, struct mirror_decision *d)
{
	struct mirror_datagram key;
	struct mirror_decision *first;

	if (likely(p->fragment == FRAGMENT_NONE)) {
		decide(skb, b, p, bank, word, u, d);
		return;
	}
	datagram_of(p, &key);
	if (p->fragment == FRAGMENT_LATER) {
		first = bpf_map_lookup_elem(&MAP(fragments), &key);
		if (first && bpf_ktime_get_ns() - first->time_ns < MIRROR_FRAGMENT_NS) {
			*d = *first;
			d->payload = 0;
			d->counter = counter_of(d);
			/* an entry can be reused for another datagram at any time, also while it is copied */
			if (bpf_map_lookup_elem(&MAP(fragments), &key) != first) {
				d->outcome = OUT_FRAGMENT_UNKNOWN;
				d->counter = 0;
			}
			return;
		}
	}
	decide(skb, b, p, bank, word, u, d);
	if (p->fragment == FRAGMENT_FIRST) {
		d->time_ns = bpf_ktime_get_ns();
		bpf_map_update_elem(&MAP(fragments), &key, d, BPF_ANY);
	}
}

/* Of the packet's headers and snaplen bytes more. Where they end without layer 4 the sender finds out. */
static __always_inline void trim(const struct __sk_buff *skb, struct mirror_decision *d)
{
	if (!d->payload) {
		d->snaplen += RECORD_HEAD_SIZE;
		d->flags |= RECORD_FIND_HEADERS;
		return;
	}
	d->snaplen += d->payload;
	if (skb->vlan_present && !(d->flags & RECORD_L3))
		d->snaplen += sizeof(struct vlan_tag);
}

/* What a count rule would have copied, as packets on the wire. */
static __always_inline void count_copies(struct __sk_buff *skb, struct mirror_pending *counts,
					 const struct mirror_decision *d)
{
	__u32 packets = d->segments ?: skb->gso_segs ?: 1;
	__u32 len = d->segments ? d->payload + d->segments * skb->gso_size : skb->len;

	if (len > skb->len) /* the last segment is shorter */
		len = skb->len;
	count_filter(counts, d->counter, packets, len + (packets - 1) * d->payload);
}

/* Continues in a delivery program if the packet must be copied; else returns the outcome. */
static __always_inline __u32 select(struct __sk_buff *skb, struct mirror_cpu *cpu)
{
	struct mirror_packet *p = &cpu->packet;
	struct mirror_decision *d = &cpu->decision;
	struct mirror_config config;
	struct mirror_bank *b;
	__u32 zero = 0, bank, outcome;
	__u64 *word, accepting;
	struct undecided undecided = {};

	word = bpf_map_lookup_elem(&MAP(config), &zero);
	if (!word)
		return OUT_DISABLED;
	/* one load: bank and off of the same commit */
	*(__u64 *)&config = *(volatile __u64 *)word;
	bank = config.bank & 1;
	b = bpf_map_lookup_elem(&MAP(banks), &bank);
	if (config.off || !b || !b->filters || (unlikely(b->until_ns) && bpf_ktime_get_ns() > b->until_ns))
		return OUT_DISABLED;
	if (skb->mark == MIRROR_MARK)
		return OUT_OWN_COPY;
	parse(skb, p, config.l3);
	accepting = match(b, p, bank);
	if (unlikely(b->tests[DIM_DOMAIN]) && p->fragment != FRAGMENT_LATER)
		accepting = narrow_name(skb, b, p, bank, accepting, &undecided);
	if (!accepting && likely(p->fragment == FRAGMENT_NONE))
		return no_match(p);
	*d = (struct mirror_decision){
		.flags = RECORD_DIRECTION | (config.l3 ? RECORD_L3 : 0),
		.generation = config.generation,
	};
	decide_datagram(skb, b, p, bank, accepting, &undecided, d);
	if (d->outcome == OUT_COUNTED)
		count_copies(skb, &cpu->pending, d);
	else
		count_filter(&cpu->pending, d->counter, 1, skb->len);
	if (d->outcome != OUT_NONE)
		return d->outcome;
	if (d->flags & RECORD_HEADERS)
		trim(skb, d);
	/* constant keys: compiled to a jump, not to a call through a table */
	if (d->clone_above) {
		bpf_tail_call_static(skb, &MAP(exits), EXIT_ORDER);
	} else if (d->exit == EXIT_RING) {
		if (!(d->flags & DECISION_QUOTES)) {
			outcome = copy_to_near(skb, d);
			if (outcome != OUT_NONE)
				return outcome;
		}
		bpf_tail_call_static(skb, &MAP(exits), EXIT_RING);
	} else if (d->exit == EXIT_DEVICE) {
		bpf_tail_call_static(skb, &MAP(exits), EXIT_DEVICE);
	}
	return OUT_NO_EXIT;
}

SEC("tc")
int JOIN(_, DIRECTION, _redirect)(struct __sk_buff *skb)
{
	struct mirror_cpu *cpu = this_cpu();

	if (cpu)
		count_outcome(&cpu->pending, select(skb, cpu));
	return next_program(skb);
}

/* Delivery program EXIT_RING: copies the packet's bytes into this CPU's ring. */
SEC("tc")
int MAP(ring)(struct __sk_buff *skb)
{
	struct mirror_cpu *cpu = this_cpu();
	struct mirror_decision *d;

	if (!cpu)
		return next_program(skb);
	d = &cpu->decision;
	d->outcome = quotes_our_tunnel(skb, d) ? OUT_OWN_COPY : copy_to_ring(skb, d);
	count_outcome(&cpu->pending, d->outcome);
	if (d->clone_above && d->outcome == OUT_RING)
		bpf_tail_call_static(skb, &MAP(exits), EXIT_ORDER);
	return next_program(skb);
}

/* Delivery program EXIT_ORDER: decides between the two others, and notes what EXIT_RING has published. */
SEC("tc")
int MAP(order)(struct __sk_buff *skb)
{
	struct mirror_cpu *cpu = this_cpu();

	if (!cpu)
		return next_program(skb);
	if (cpu->decision.outcome == OUT_RING) {
		order_add(skb, &cpu->decision);
		return next_program(skb);
	}
	if (order_clones(skb, &cpu->decision))
		bpf_tail_call_static(skb, &MAP(exits), EXIT_DEVICE);
	bpf_tail_call_static(skb, &MAP(exits), EXIT_RING);
	count_outcome(&cpu->pending, OUT_NO_EXIT);
	return next_program(skb);
}

/* Delivery program EXIT_DEVICE: sends a clone out of the device, with our mark. */
SEC("tc")
int MAP(device)(struct __sk_buff *skb)
{
	struct mirror_cpu *cpu = this_cpu();
	__u32 mark = skb->mark;
	long err = -1;

	if (cpu && quotes_our_tunnel(skb, &cpu->decision)) {
		count_outcome(&cpu->pending, OUT_OWN_COPY);
	} else if (cpu) {
		/* whoever wrote the row: a packet sent out of its own device arrives twice */
		if (cpu->decision.ifindex != skb->ifindex) {
			skb->mark = MIRROR_MARK;
			err = bpf_clone_redirect(skb, cpu->decision.ifindex, 0);
			skb->mark = mark;
		}
		/* a positive result is the device's, such as NET_XMIT_CN: counted, never a verdict */
		count_outcome(&cpu->pending, err < 0 ? OUT_DEVICE_FAILED :
					     err     ? OUT_DEVICE_BUSY :
						       OUT_DEVICE);
	}
	return next_program(skb);
}

char _license[] SEC("license") = "Dual BSD/GPL";
