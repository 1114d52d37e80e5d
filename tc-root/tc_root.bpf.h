/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The start of a chain: a map that holds the first program, and the call into it. */
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct root_array {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
};

/* Returns only when the chain is empty; UNSPEC passes the packet to the other filters of the interface. */
static __always_inline int run_chain(struct __sk_buff *skb, struct root_array *first)
{
	bpf_tail_call(skb, first, 0);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
