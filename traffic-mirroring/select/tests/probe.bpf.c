// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The programs around the data path in tests: the program before it, the one after it, and one behind the
 * devices that copies leave by. Each writes down the packet that it saw.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct probe_setup);
	__uint(max_entries, 1);
} setup SEC(".maps");

struct packets {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct probe_packet);
	__uint(max_entries, 1);
};
struct packets before SEC(".maps");
struct packets after SEC(".maps");
struct packets copy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} chain SEC(".maps"), no_chain SEC(".maps");

static __always_inline void record(struct __sk_buff *skb, void *map)
{
	__u32 zero = 0, len = skb->len;
	struct probe_packet *p = bpf_map_lookup_elem(map, &zero);

	if (!p)
		return;
	__atomic_fetch_add(&p->times, 1, __ATOMIC_RELAXED);
	p->ifindex = skb->ifindex;
	p->len = len;
	p->linear = skb->data_end - skb->data;
	p->mark = skb->mark;
	p->priority = skb->priority;
	p->tc_index = skb->tc_index;
	p->tc_classid = skb->tc_classid;
	p->queue_mapping = skb->queue_mapping;
	p->tstamp = skb->tstamp;
	p->tagged = skb->vlan_present;
	p->tci = skb->vlan_tci;
	p->vlan_proto = skb->vlan_proto;
	p->gso_size = skb->gso_size;
	p->gso_segs = skb->gso_segs;
	p->hash = skb->hash;
	for (int i = 0; i < 5; i++)
		p->cb[i] = skb->cb[i];
	if (len > PROBE_BYTES)
		len = PROBE_BYTES;
	if (!len)
		return;
	/* what a verifier before 5.19 needs to see that it is not 0 */
	len -= 1;
	barrier_var(len);
	bpf_skb_load_bytes(skb, 0, p->bytes, (len & (PROBE_BYTES - 1)) + 1);
}

SEC("tc")
int probe_before(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct probe_setup *s = bpf_map_lookup_elem(&setup, &zero);

	/* BPF_PROG_TEST_RUN sets the other fields that a program may write */
	skb->tc_index = 21;
	skb->tc_classid = 22;
	skb->queue_mapping = 23;
	if (s && s->tagged)
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), s->tci);
	record(skb, &before);
	bpf_tail_call(skb, &chain, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int probe_after(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct probe_setup *s = bpf_map_lookup_elem(&setup, &zero);

	record(skb, &after);
	return s ? s->verdict : TC_ACT_SHOT;
}

SEC("tc")
int probe_copy(struct __sk_buff *skb)
{
	record(skb, &copy);
	return TC_ACT_UNSPEC;
}

/* A device that takes no more. */
SEC("tc")
int probe_drop(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}

/* What every program of a chain does, and no more: it hands over to the next one, which is not there. */
SEC("tc")
int probe_empty(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &no_chain, 0);
	return TC_ACT_UNSPEC;
}

/* As tc-root: only a tail call. */
SEC("tc")
int probe_root(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &chain, 0);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
