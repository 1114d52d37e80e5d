// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs for chains and for places beside them: one that counts packets and goes on, and one for XDP. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} count_jmp_table SEC(".maps");

SEC("tc")
int count_packets_and_go_on(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&packets, &key);

	if (n)
		__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
	bpf_tail_call(skb, &count_jmp_table, 0);
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
