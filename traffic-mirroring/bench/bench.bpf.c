// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What benchmarks compare with, send with and count with. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FLOWS 256

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32); /* ifindex */
	__uint(max_entries, 1);
} bench_device SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} bench_packets SEC(".maps");

SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

/* The least that mirroring with the kernel's clone can be. */
SEC("tc")
int bench_clone(struct __sk_buff *skb)
{
	__u32 zero = 0, *device = bpf_map_lookup_elem(&bench_device, &zero);

	if (device)
		bpf_clone_redirect(skb, *device, 0);
	return TC_ACT_UNSPEC;
}

/* As the wire has them: a GSO packet is several. */
static __always_inline void count(const struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *packets = bpf_map_lookup_elem(&bench_packets, &zero);

	if (packets)
		*packets += skb->gso_segs ?: 1;
}

SEC("tc")
int bench_count(struct __sk_buff *skb)
{
	count(skb);
	return TC_ACT_UNSPEC;
}

/* The collector: a copy that is counted costs nothing more. */
SEC("tc")
int bench_sink(struct __sk_buff *skb)
{
	count(skb);
	return TC_ACT_SHOT;
}

/* The traffic: each frame is of one of FLOWS flows. The checksum is 0, so that the port may change. */
SEC("xdp")
int bench_transmit(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(udp + 1) > end)
		return XDP_ABORTED;
	udp->source = bpf_htons(32768 + bpf_get_prandom_u32() % FLOWS);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
