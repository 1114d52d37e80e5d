/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Parses packet headers into struct packet. Nothing is assumed: every length is checked against the packet
 * and the IP header, and bytes outside the linear area are loaded.
 * docs/filters.md, "What counts as what", is the contract.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../abi/ip.h"

#define NO_VLAN 4096
#define UNKNOWN 256 /* a protocol, flags or type that could not be read: its table has no such entry */

/*
 * Numbers with a slot of eight bytes of their own, of which the verifier tracks the value as it does in a
 * register: only as far as it matters. Beside another field it would tell 0 from other values, and follow the
 * parser once for each combination. See also forget().
 */
#define SLOT __attribute__((aligned(8)))

struct packet {
	__u32 family SLOT; /* 4, 6; 0: not IP */
	__u32 proto SLOT; /* IP protocol, or UNKNOWN */
	__u32 vlan SLOT; /* outermost ID, NO_VLAN: none */
	__u32 fragment SLOT; /* enum fragment */
	__u32 fragment_id SLOT; /* as on the wire; src[0] is in its slot: do not forget() it */
	__u32 src[4], dst[4]; /* network byte order; IPv4 in [0] */
	__u32 extensions SLOT; /* IPv6 with extension headers */
	__u32 ports SLOT; /* src_port and dst_port are valid */
	__u32 src_port SLOT; /* host byte order */
	__u32 dst_port SLOT;
	__u32 tcp_flags SLOT; /* if proto is TCP; or UNKNOWN */
	__u32 icmp_type SLOT; /* if proto is ICMP or ICMPv6; or UNKNOWN */
	__u32 malformed SLOT; /* a header is too short or contradictory: the rest was not read */
	union {
		struct {
			__u32 payload; /* offset of the TCP, UDP or ICMP payload, else 0 */
			__u32 end; /* of the IP packet, by its own length; valid if payload is */
		};
		__u64 payload_and_end; /* one store costs parse_common() less than two */
	} SLOT;
};

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

struct extension {
	__u8 next;
	__u8 len;
	__be16 fragment_offset; /* of a fragment header (RFC 8200 4.5) */
	__be32 fragment_id;
};

/* The first bytes of the layer-4 headers that are used. */
struct l4 {
	union {
		struct {
			__be16 src_port, dst_port;
		};
		__u8 icmp_type;
	};
};

struct tcp_tail { /* bytes 12 to 15 of a TCP header */
	__u8 data_offset; /* upper four bits, in words */
	__u8 flags;
	__be16 window;
};

/* len bytes at off, copied to buf. NULL: the packet is shorter. */
static __always_inline void *copied(struct __sk_buff *skb, __u32 off, void *buf, __u32 len)
{
	return bpf_skb_load_bytes(skb, off, buf, len) ? NULL : buf;
}

/* The same, but in place if the bytes are linear. */
static __always_inline void *header(struct __sk_buff *skb, __u32 off, void *buf, __u32 len)
{
	void *at;

	at = (void *)(long)skb->data + off;
	if (at + len <= (void *)(long)skb->data_end)
		return at;
	return copied(skb, off, buf, len);
}

/* The end of the IP packet by its own length field, or 0 if that contradicts the packet. */
static __always_inline __u32 ip_end(struct __sk_buff *skb, __u32 off, __u32 header_len, __u32 field,
				    __u32 len)
{
	__u32 end = off + len;

	/* BIG TCP: the length does not fit into its field, which is then 0 */
	if (!field && skb->gso_size)
		end = skb->len;
	if (end > skb->len || end < off + header_len)
		return 0;
	return end;
}

/* Parses IPv4 at *off. Sets *off to the layer-4 header, *end to the byte after the packet. */
static __always_inline bool parse_ipv4(struct __sk_buff *skb, struct packet *p, __u32 *off, __u32 *end)
{
	struct iphdr buf, *ip = header(skb, *off, &buf, sizeof(buf));
	__u32 len, field, fragment;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	len = ip->ihl * 4;
	field = bpf_ntohs(ip->tot_len);
	*end = ip_end(skb, *off, len, field, field);
	if (!*end)
		return false;

	p->family = 4;
	p->proto = ip->protocol;
	p->src[0] = ip->saddr;
	p->dst[0] = ip->daddr;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & (IPV4_OFFSET | IPV4_MORE_FRAGMENTS)) {
		p->fragment = fragment & IPV4_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
		p->fragment_id = ip->id;
	}
	*off += len;
	return true;
}

/*
 * The same for IPv6 and its extension headers. After an extension header all bytes are copied, not accessed
 * in place: offsets that the verifier need not track keep its work small.
 */
static __always_inline bool parse_ipv6(struct __sk_buff *skb, struct packet *p, __u32 *off, __u32 *end)
{
	struct ipv6hdr buf, *ip = header(skb, *off, &buf, sizeof(buf));
	__u32 field, next, len;

	if (!ip || ip->version != 6)
		return false;
	field = bpf_ntohs(ip->payload_len);
	*end = ip_end(skb, *off, sizeof(*ip), field, sizeof(*ip) + field);
	if (!*end)
		return false;

	p->family = 6;
	p->proto = UNKNOWN;
	__builtin_memcpy(p->src, &ip->saddr, sizeof(p->src));
	__builtin_memcpy(p->dst, &ip->daddr, sizeof(p->dst));
	next = ip->nexthdr;
	*off += sizeof(*ip);

	for (int i = 0; i < MAX_EXTENSIONS && is_extension(next); i++) {
		struct extension ext;

		if (*off + sizeof(ext) > *end)
			return false;
		p->extensions = 1;
		if (bpf_skb_load_bytes(skb, *off, &ext, sizeof(ext)))
			return false;
		len = (ext.len + 1) * 8;
		if (next == IPPROTO_AH) {
			len = (ext.len + 2) * 4;
		} else if (next == IPPROTO_FRAGMENT) {
			__u32 fragment = bpf_ntohs(ext.fragment_offset);

			len = sizeof(ext);
			p->fragment_id = ext.fragment_id;
			if (fragment & IPV6_OFFSET) {
				p->fragment = FRAGMENT_LATER;
				p->proto = ext.next;
				return true;
			}
			if (fragment & IPV6_MORE_FRAGMENTS)
				p->fragment = FRAGMENT_FIRST;
		}
		if (*off + len > *end)
			return false;
		next = ext.next;
		*off += len;
	}
	if (is_extension(next))
		return false;
	p->proto = next;
	return true;
}

static __always_inline bool parse_l4(struct __sk_buff *skb, struct packet *p, __u32 off, __u32 end)
{
	struct l4 buf, *l4;
	__u32 need = l4_size(p->proto);

	if (!need)
		return true;
	if (off + sizeof(*l4) > end)
		return false;
	barrier_var(off); /* so that the compiler does not move a sum with it out of a branch */
	l4 = p->extensions ? copied(skb, off, &buf, sizeof(buf)) : header(skb, off, &buf, sizeof(buf));
	if (!l4)
		return false;

	if (is_icmp(p->proto)) {
		p->icmp_type = l4->icmp_type;
		p->payload = off + 8;
		return true;
	}
	p->ports = 1;
	p->src_port = bpf_ntohs(l4->src_port);
	p->dst_port = bpf_ntohs(l4->dst_port);
	if (p->proto == IPPROTO_TCP) {
		struct tcp_tail tail_buf, *tail;

		if (off + 16 > end)
			return false;
		tail = p->extensions ? copied(skb, off + 12, &tail_buf, sizeof(tail_buf)) :
				       header(skb, off + 12, &tail_buf, sizeof(tail_buf));
		if (!tail)
			return false;
		p->tcp_flags = tail->flags;
		if (tail->data_offset >> 4 < 5)
			return false;
		p->payload = off + (tail->data_offset >> 4) * 4;
	} else {
		p->payload = off + need;
	}
	return off + need <= end;
}

/* Parses Ethernet and VLAN tags: sets *off and *type to those of the layer-3 header. */
static __always_inline bool parse_ethernet(struct __sk_buff *skb, struct packet *p, __u32 *off, __be16 *type)
{
	struct ethhdr buf, *eth = header(skb, 0, &buf, sizeof(buf));

	if (!eth)
		return false;
	*type = eth->h_proto;
	*off = sizeof(*eth);
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag tag_buf, *tag;

		if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
			break;
		tag = header(skb, *off, &tag_buf, sizeof(tag_buf));
		if (!tag)
			return false;
		if (p->vlan == NO_VLAN)
			p->vlan = bpf_ntohs(tag->tci) & 0xfff;
		*type = tag->type;
		*off += sizeof(*tag);
	}
	return true;
}

/* Packets of an L3 device have no link-layer header: the IP version gives the type. */
static __always_inline bool parse_bare(struct __sk_buff *skb, __be16 *type)
{
	__u8 buf, *version = header(skb, 0, &buf, sizeof(buf));

	if (!version)
		return false;
	*type = *version >> 4 == 4 ? bpf_htons(ETH_P_IP) : *version >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : 0;
	return true;
}

/* parse_common() does not set the words that IPv4 does not use; code that reads all four calls this first. */
static __always_inline void complete_addresses(struct packet *p)
{
	if (p->family == 4)
		for (int i = 1; i < 4; i++)
			p->src[i] = p->dst[i] = 0;
}

struct common_ethernet {
	__u8 macs[12];
	__be16 type;
};

struct common_l4 { /* TCP as far as the flags, or UDP and the start of its payload */
	__be16 source, dest;
	__u8 sequence[8];
	__u8 data_offset, flags;
};

/*
 * The fast path for most packets: untagged Ethernet, IPv4 without options, not fragmented, TCP or UDP, all in
 * the linear area. Gives the same result as the rest of parse() in a third less of the program's time. False:
 * another kind of packet.
 */
static __always_inline bool parse_common(struct __sk_buff *skb, struct packet *p)
{
	struct common_ethernet *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct common_l4 *l4 = (void *)(ip + 1);
	__u32 len, payload, need = sizeof(*ip) + sizeof(struct udphdr);

	if ((void *)(l4 + 1) > (void *)(long)skb->data_end || eth->type != bpf_htons(ETH_P_IP) ||
	    *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IPV4_OFFSET | IPV4_MORE_FRAGMENTS))
		return false;
	if (ip->protocol == IPPROTO_TCP) {
		need = sizeof(*ip) + sizeof(struct tcphdr);
		if (l4->data_offset >> 4 < 5)
			return false;
	} else if (ip->protocol != IPPROTO_UDP) {
		return false;
	}
	len = bpf_ntohs(ip->tot_len);
	if (len < need || sizeof(*eth) + len > skb->len)
		return false;
	p->family = 4;
	p->proto = ip->protocol;
	p->fragment = FRAGMENT_NONE;
	p->fragment_id = 0;
	p->src[0] = ip->saddr;
	p->dst[0] = ip->daddr;
	p->extensions = 0;
	p->ports = 1;
	p->src_port = bpf_ntohs(l4->source);
	p->dst_port = bpf_ntohs(l4->dest);
	p->tcp_flags = l4->flags;
	p->icmp_type = UNKNOWN;
	p->malformed = 0;
	payload = sizeof(*eth) + sizeof(*ip) +
		  (ip->protocol == IPPROTO_TCP ? (l4->data_offset >> 4) * 4 : sizeof(struct udphdr));
	/* the halves in the order of the fields: every target of the programs is little endian */
	p->payload_and_end = (__u64)(sizeof(*eth) + len) << 32 | payload;
	return true;
}

static __always_inline bool parse_any(struct __sk_buff *skb, struct packet *p, bool l3)
{
	__u32 off = 0, end = 0;
	__be16 type = 0;

	if (!(l3 ? parse_bare(skb, &type) : parse_ethernet(skb, p, &off, &type)))
		return false;
	if (type == bpf_htons(ETH_P_IP)) {
		if (!parse_ipv4(skb, p, &off, &end))
			return false;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		if (!parse_ipv6(skb, p, &off, &end))
			return false;
	} else {
		return true;
	}
	p->end = end;
	return p->fragment == FRAGMENT_LATER || parse_l4(skb, p, off, end);
}

/*
 * Makes the verifier take a value for unknown: a store to the other half of its slot. It then follows what
 * comes next once, not once for each combination of values that the parser can set.
 */
static __always_inline void forget(__u32 *value)
{
	((volatile __u32 *)value)[1] = 1;
}

/* p need not be initialised. */
static __always_inline void parse(struct __sk_buff *skb, struct packet *p, bool l3)
{
	p->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : NO_VLAN;
	if (!l3 && parse_common(skb, p))
		return;
	*p = (struct packet){ .vlan = p->vlan, .tcp_flags = UNKNOWN, .icmp_type = UNKNOWN };
	p->malformed = !parse_any(skb, p, l3);
	/* in memory: the compiler would move all fields between registers wherever the parser ends */
	asm volatile("" : : "r"(p) : "memory");
	/* those for which it is worth it */
	forget(&p->proto);
	forget(&p->vlan);
	forget(&p->src_port);
	forget(&p->dst_port);
	forget(&p->icmp_type);
	forget(&p->malformed);
}

/*
 * Brings the paths through the parser together, where a lot follows: the verifier then follows that once.
 * After complete_addresses().
 */
static __always_inline void forget_packet(struct packet *p)
{
	asm volatile("" : : "r"(p) : "memory");
	forget(&p->family);
	forget(&p->proto);
	forget(&p->vlan);
	forget(&p->fragment);
	forget(&p->extensions);
	forget(&p->ports);
	forget(&p->src_port);
	forget(&p->dst_port);
	forget(&p->tcp_flags);
	forget(&p->icmp_type);
	forget(&p->malformed);
}
