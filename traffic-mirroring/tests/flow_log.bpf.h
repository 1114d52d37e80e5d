/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A flow log, as small as can be: what stands before or after us in the chains of tests and of the demo. It
 * counts the packets and bytes of each TCP and UDP flow over IPv4 and IPv6, and goes on to the next program.
 * An entry defines FLOW_LOG(name), which adds its direction, and includes this.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct flow_key {
	__u8 src[16]; /* network byte order, IPv4 in the first four bytes, rest 0 */
	__u8 dst[16];
	__be16 src_port;
	__be16 dst_port;
	__u8 family; /* 4 or 6 */
	__u8 proto;
	__u16 pad;
};

struct flow_count {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct flow_key);
	__type(value, struct flow_count);
	__uint(max_entries, 4096);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} FLOW_LOG(flows) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} FLOW_LOG(jmp_table) SEC(".maps");

/*
 * Fills in addresses and protocol; the offset of the layer-4 header, or a negative number where there is
 * none.
 */
static __always_inline int read_ip(struct __sk_buff *skb, struct flow_key *key)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.ihl < 5 ||
		    ip.frag_off & bpf_htons(0x1fff))
			return -1;
		__builtin_memcpy(key->src, &ip.saddr, 4);
		__builtin_memcpy(key->dst, &ip.daddr, 4);
		key->family = 4;
		key->proto = ip.protocol;
		return ETH_HLEN + ip.ihl * 4;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
			return -1;
		__builtin_memcpy(key->src, &ip.saddr, 16);
		__builtin_memcpy(key->dst, &ip.daddr, 16);
		key->family = 6;
		key->proto = ip.nexthdr;
		return ETH_HLEN + sizeof(ip);
	}
	return -1;
}

static __always_inline void count_flow(struct __sk_buff *skb)
{
	struct flow_count first = { 1, skb->len }, *count;
	struct flow_key key = {};
	int l4 = read_ip(skb, &key);

	if (l4 < 0 || (key.proto != IPPROTO_TCP && key.proto != IPPROTO_UDP) ||
	    bpf_skb_load_bytes(skb, l4, &key.src_port, 4))
		return;
	count = bpf_map_lookup_elem(&FLOW_LOG(flows), &key);
	if (!count) {
		bpf_map_update_elem(&FLOW_LOG(flows), &key, &first, BPF_NOEXIST);
		return;
	}
	__atomic_fetch_add(&count->packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&count->bytes, skb->len, __ATOMIC_RELAXED);
}

SEC("tc") int FLOW_LOG(entry)(struct __sk_buff *skb)
{
	count_flow(skb);
	bpf_tail_call(skb, &FLOW_LOG(jmp_table), 0);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
