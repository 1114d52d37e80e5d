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

#define SPREAD 40503 /* odd: ports of neighbouring flows lie in different cache lines of a table */
#define LOW_PORTS 2048 /* not drawn as destinations: filters of the benchmark name some of them */
#define GUE_PORT 6080
#define GUE_SIZE 4
#define VXLAN_PORT 4789
#define VXLAN_SIZE 8
#define COPY 64 /* bytes, of the smallest packet that is measured */

/* As the wire has it: a GSO packet is several. */
struct bench_traffic {
	__u64 packets;
	__u64 bytes; /* from the IP header on, of copies from the copied one on */
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

/* What draw_ports() does. */
enum { DRAW_FLOWS, DRAW_DESTINATIONS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} bench_draws SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} bench_chain SEC(".maps");

static __always_inline __u32 setting(__u32 key)
{
	__u32 *value = bpf_map_lookup_elem(&bench_draws, &key);

	return value ? *value : 0;
}

/* Makes a UDP or TCP packet one of so many flows, whose ports lie all over the range. */
static __always_inline void draw_ports(void *data, void *end)
{
	struct udphdr *udp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);
	__u32 flows = setting(DRAW_FLOWS);

	if ((void *)(udp + 1) > end)
		return;
	if (flows)
		udp->source = bpf_htons(bpf_get_prandom_u32() % flows * SPREAD);
	if (setting(DRAW_DESTINATIONS))
		udp->dest = bpf_htons(LOW_PORTS + bpf_get_prandom_u32() % (65536 - LOW_PORTS));
}

/* A packet of another flow, to the next program. */
SEC("tc")
int bench_draw(struct __sk_buff *skb)
{
	draw_ports((void *)(long)skb->data, (void *)(long)skb->data_end);
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

struct packet_at {
	__u32 outer, inner; /* where IP headers start; the same without a tunnel */
	struct iphdr ip; /* the inner one */
};

/* Looks behind UDP and the header of GUE or VXLAN. */
static __always_inline void find_packet(struct __sk_buff *skb, struct packet_at *at)
{
	__u32 udp = sizeof(struct ethhdr) + sizeof(at->ip);
	__be16 port = 0;

	at->outer = at->inner = sizeof(struct ethhdr);
	if (bpf_skb_load_bytes(skb, at->outer, &at->ip, sizeof(at->ip)) || at->ip.protocol != IPPROTO_UDP ||
	    bpf_skb_load_bytes(skb, udp + 2, &port, sizeof(port)))
		return;
	if (port == bpf_htons(GUE_PORT))
		at->inner = udp + sizeof(struct udphdr) + GUE_SIZE;
	if (port == bpf_htons(VXLAN_PORT))
		at->inner = udp + sizeof(struct udphdr) + VXLAN_SIZE + sizeof(struct ethhdr);
	bpf_skb_load_bytes(skb, at->inner, &at->ip, sizeof(at->ip));
}

/* Bytes of the headers that each segment of a TCP packet has, from the IP header on. */
static __always_inline __u32 tcp_headers(struct __sk_buff *skb, const struct packet_at *at)
{
	__u8 offset = 0;

	if (at->ip.protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, at->inner + at->ip.ihl * 4 + 12, &offset, sizeof(offset)))
		return 0;
	return at->ip.ihl * 4 + (offset >> 4) * 4;
}

/* A GSO packet is one TCP packet, or a train of datagrams with a copy in each (UDP_SEGMENT). */
static __always_inline void count(struct __sk_buff *skb)
{
	__u32 zero = 0, packets = skb->gso_segs ?: 1;
	struct bench_traffic *t = bpf_map_lookup_elem(&bench_traffic, &zero);
	struct packet_at at;

	if (!t)
		return;
	find_packet(skb, &at);
	t->packets += packets;
	t->bytes += skb->len - at.inner;
	if (packets == 1)
		return;
	if (bpf_ntohs(at.ip.tot_len) == skb->len - at.inner)
		t->bytes += (packets - 1) * tcp_headers(skb, &at);
	else
		t->bytes -= (packets - 1) * (at.inner - at.outer - sizeof(at.ip) - sizeof(struct udphdr));
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

/* The traffic. The checksum of frames is 0, so that ports may change. */
SEC("xdp")
int bench_transmit(struct xdp_md *ctx)
{
	draw_ports((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
