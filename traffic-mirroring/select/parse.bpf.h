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
#include "maps.bpf.h"

#define NO_VLAN 4096
#define HEADERS_NEAR 255 /* no header begins later, unless extensions precede it */
#define UNKNOWN 256 /* a protocol, flags or type that could not be read: its table has no such entry */

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
		__be32 ports;
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

/*
 * The same, but in place if the bytes are linear and as near to the beginning as headers without extensions
 * are: the verifier need not track where extensions end.
 */
static __always_inline void *header(struct __sk_buff *skb, __u32 off, void *buf, __u32 len)
{
	__u64 near = off;
	void *at;

	barrier_var(near); /* compared and added in one register */
	if (near > HEADERS_NEAR)
		return copied(skb, off, buf, len);
	at = (void *)(long)skb->data + near;
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

/* Parses IPv4 at p->off: sets that to the layer-4 header. */
static __always_inline bool parse_ipv4(struct __sk_buff *skb, struct mirror_packet *p)
{
	struct iphdr buf, *ip = header(skb, p->off, &buf, sizeof(buf));
	__u32 len, field, fragment;

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	len = ip->ihl * 4;
	field = bpf_ntohs(ip->tot_len);
	p->end = ip_end(skb, p->off, len, field, field);
	if (!p->end)
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
	p->off += len;
	return true;
}

/* Parses the extension header at p->off. */
static __always_inline bool parse_extension(struct __sk_buff *skb, struct mirror_packet *p)
{
	struct extension ext;
	__u32 len, fragment;

	if (p->off + sizeof(ext) > p->end || bpf_skb_load_bytes(skb, p->off, &ext, sizeof(ext)))
		return false;
	len = (ext.len + 1) * 8;
	if (p->next == IPPROTO_AH) {
		len = (ext.len + 2) * 4;
	} else if (p->next == IPPROTO_FRAGMENT) {
		len = sizeof(ext);
		fragment = bpf_ntohs(ext.fragment_offset);
		p->fragment_id = ext.fragment_id;
		if (fragment & IPV6_OFFSET)
			p->fragment = FRAGMENT_LATER;
		else if (fragment & IPV6_MORE_FRAGMENTS)
			p->fragment = FRAGMENT_FIRST;
	}
	p->next = ext.next;
	p->off += len;
	return p->off <= p->end;
}

/* Of a later fragment the next header is in another packet. */
static __always_inline bool at_extension(const struct mirror_packet *p)
{
	return p->fragment != FRAGMENT_LATER && is_extension(p->next);
}

/* The same for IPv6 and its extension headers. */
static __always_inline bool parse_ipv6(struct __sk_buff *skb, struct mirror_packet *p)
{
	struct ipv6hdr buf, *ip = header(skb, p->off, &buf, sizeof(buf));
	__u32 field;

	if (!ip || ip->version != 6)
		return false;
	field = bpf_ntohs(ip->payload_len);
	p->end = ip_end(skb, p->off, sizeof(*ip), field, sizeof(*ip) + field);
	if (!p->end)
		return false;

	p->family = 6;
	p->proto = UNKNOWN;
	__builtin_memcpy(p->src, &ip->saddr, sizeof(p->src));
	__builtin_memcpy(p->dst, &ip->daddr, sizeof(p->dst));
	p->next = ip->nexthdr;
	p->off += sizeof(*ip);
	for (int i = 0; i < MAX_EXTENSIONS && at_extension(p); i++)
		if (!parse_extension(skb, p))
			return false;
	if (at_extension(p))
		return false;
	p->proto = p->next;
	return true;
}

/* Parses the layer-4 header at p->off. */
static __always_inline bool parse_l4(struct __sk_buff *skb, struct mirror_packet *p)
{
	__u32 need = l4_size(p->proto), len = need;
	struct tcp_tail tail_buf, *tail;
	struct l4 buf, *l4;

	if (!need)
		return true;
	if (p->off + sizeof(*l4) > p->end)
		return false;
	l4 = header(skb, p->off, &buf, sizeof(buf));
	if (!l4)
		return false;

	if (is_icmp(p->proto)) {
		p->icmp_type = l4->icmp_type;
		p->payload = p->off + 8;
		return true;
	}
	p->ports = 1;
	p->both_ports = bpf_ntohl(l4->ports);
	if (p->proto == IPPROTO_TCP) {
		if (p->off + 16 > p->end)
			return false;
		tail = header(skb, p->off + 12, &tail_buf, sizeof(tail_buf));
		if (!tail)
			return false;
		p->tcp_flags = tail->flags;
		if (tail->data_offset >> 4 < 5)
			return false;
		len = (tail->data_offset >> 4) * 4;
	}
	p->payload = p->off + len;
	return p->off + need <= p->end;
}

/* Parses Ethernet and VLAN tags: sets p->off and *type to those of the layer-3 header. */
static __always_inline bool parse_ethernet(struct __sk_buff *skb, struct mirror_packet *p, __be16 *type)
{
	struct ethhdr buf, *eth = header(skb, 0, &buf, sizeof(buf));

	if (!eth)
		return false;
	*type = eth->h_proto;
	p->off = sizeof(*eth);
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag tag_buf, *tag;

		if (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))
			break;
		tag = header(skb, p->off, &tag_buf, sizeof(tag_buf));
		if (!tag)
			return false;
		if (p->vlan == NO_VLAN)
			p->vlan = bpf_ntohs(tag->tci) & 0xfff;
		*type = tag->type;
		p->off += sizeof(*tag);
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
static __always_inline void complete_addresses(struct mirror_packet *p)
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
	__be32 ports;
	__u8 sequence[8];
	__u8 data_offset, flags;
};

/*
 * The fast path for most packets: untagged Ethernet, IPv4 without options, not fragmented, TCP or UDP, all in
 * the linear area. Gives the same result as the rest of parse() in a third less of the program's time. False:
 * another kind of packet.
 */
static __always_inline bool parse_common(struct __sk_buff *skb, struct mirror_packet *p)
{
	struct common_ethernet *eth = (void *)(long)skb->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct common_l4 *l4 = (void *)(ip + 1);
	__u32 len, header = sizeof(struct udphdr), need = sizeof(struct udphdr);

	if ((void *)(l4 + 1) > (void *)(long)skb->data_end || eth->type != bpf_htons(ETH_P_IP) ||
	    *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IPV4_OFFSET | IPV4_MORE_FRAGMENTS))
		return false;
	if (ip->protocol == IPPROTO_TCP) {
		need = sizeof(struct tcphdr);
		header = (l4->data_offset >> 4) * 4;
		if (header < need)
			return false;
	} else if (ip->protocol != IPPROTO_UDP) {
		return false;
	}
	len = bpf_ntohs(ip->tot_len);
	if (len < sizeof(*ip) + need || sizeof(*eth) + len > skb->len)
		return false;
	/* one store */
	p->family = 4;
	p->fragment = FRAGMENT_NONE;
	p->ports = 1;
	p->malformed = 0;
	p->proto = ip->protocol;
	p->src[0] = ip->saddr;
	p->dst[0] = ip->daddr;
	p->both_ports = bpf_ntohl(l4->ports);
	p->tcp_flags = l4->flags;
	p->payload = sizeof(*eth) + sizeof(*ip) + header;
	p->end = sizeof(*eth) + len;
	return true;
}

static __always_inline bool parse_any(struct __sk_buff *skb, struct mirror_packet *p, bool l3)
{
	__be16 type = 0;

	if (!(l3 ? parse_bare(skb, &type) : parse_ethernet(skb, p, &type)))
		return false;
	if (type == bpf_htons(ETH_P_IP)) {
		if (!parse_ipv4(skb, p))
			return false;
	} else if (type == bpf_htons(ETH_P_IPV6)) {
		if (!parse_ipv6(skb, p))
			return false;
	} else {
		return true;
	}
	return p->fragment == FRAGMENT_LATER || parse_l4(skb, p);
}

/* p need not be initialised. */
static __always_inline void parse(struct __sk_buff *skb, struct mirror_packet *p, bool l3)
{
	p->vlan = skb->vlan_present ? skb->vlan_tci & 0xfff : NO_VLAN;
	if (likely(!l3 && parse_common(skb, p)))
		return;
	*p = (struct mirror_packet){ .vlan = p->vlan, .tcp_flags = UNKNOWN, .icmp_type = UNKNOWN };
	p->malformed = !parse_any(skb, p, l3);
}
