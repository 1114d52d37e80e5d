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
#define COPY 64 /* bytes, of the smallest packet that is measured */

/* As the wire has it: a GSO packet is several. */
struct bench_traffic {
	__u64 packets;
	__u64 bytes; /* from the IP header on */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32); /* ifindex */
	__uint(max_entries, 1);
} bench_device SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct bench_traffic);
	__uint(max_entries, 1);
} bench_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} bench_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} bench_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} bench_chain SEC(".maps");

/* Makes the packet one of so many flows, and hands over. */
SEC("tc")
int bench_draw(struct __sk_buff *skb)
{
	struct iphdr *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1); /* or TCP */
	__u32 zero = 0, *flows = bpf_map_lookup_elem(&bench_flows, &zero);

	if (flows && *flows && (void *)(udp + 1) <= (void *)(long)skb->data_end)
		udp->source = bpf_htons(bpf_get_prandom_u32() % *flows);
	bpf_tail_call(skb, &bench_chain, 0);
	return TC_ACT_SHOT;
}

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

/* The least that a ring can be: room, the time, the bytes; no parsing, no filter, no counter. */
SEC("tc")
int bench_reserve(struct __sk_buff *skb)
{
	struct {
		__u64 time_ns;
		__u8 data[COPY];
	} *record = bpf_ringbuf_reserve(&bench_ring, sizeof(*record), 0);

	if (!record)
		return TC_ACT_UNSPEC;
	record->time_ns = bpf_ktime_get_ns();
	bpf_skb_load_bytes(skb, 0, record->data, COPY);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return TC_ACT_UNSPEC;
}

/* Bytes of the headers that each segment of a TCP packet has, from the IP header on. */
static __always_inline __u32 headers_of(struct __sk_buff *skb)
{
	struct iphdr ip;
	__u8 offset = 0;

	if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &ip, sizeof(ip)) || ip.protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, sizeof(struct ethhdr) + ip.ihl * 4 + 12, &offset, sizeof(offset)))
		return 0;
	return ip.ihl * 4 + (offset >> 4) * 4;
}

static __always_inline void count(struct __sk_buff *skb)
{
	__u32 zero = 0, packets = skb->gso_segs ?: 1;
	struct bench_traffic *t = bpf_map_lookup_elem(&bench_traffic, &zero);

	if (!t)
		return;
	t->packets += packets;
	t->bytes += skb->len - sizeof(struct ethhdr);
	if (packets > 1)
		t->bytes += (packets - 1) * headers_of(skb);
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
