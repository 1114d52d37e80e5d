// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * On a tunnel device, takes the mark off what is sent, as firewalls may: copies are then known by their outer
 * header.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int clear_mark(struct __sk_buff *skb)
{
	skb->mark = 0;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
