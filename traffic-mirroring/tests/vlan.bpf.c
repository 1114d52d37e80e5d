// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A VLAN for hosts without VLAN devices: what goes to 192.0.5.0/24 is tagged, and what comes with that tag
 * loses it. The tag is in metadata, as behind a NIC that deals with tags itself.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_ID 5
#define IPV4_DST (ETH_HLEN + 16)

SEC("tc")
int vlan_push(struct __sk_buff *skb)
{
	__u32 dst = 0;

	if (skb->protocol == bpf_htons(ETH_P_IP) && !bpf_skb_load_bytes(skb, IPV4_DST, &dst, sizeof(dst)) &&
	    bpf_ntohl(dst) >> 8 == 0xc00005)
		bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN_ID);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int vlan_pop(struct __sk_buff *skb)
{
	if (skb->vlan_present && skb->vlan_tci == VLAN_ID)
		bpf_skb_vlan_pop(skb);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
