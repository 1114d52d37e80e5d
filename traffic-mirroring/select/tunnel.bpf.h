/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies that have lost their mark, recognised by their tunnel: they, and the errors about them, are not
 * copied again. What cannot be recognised: docs/reliability.md.
 */
#pragma once

#include "maps.bpf.h"
#include "match.bpf.h"
#include "parse.bpf.h"

/*
 * Packets to a tunnel endpoint are our copies; those that come from it in the same kind of tunnel are copies,
 * too, of a collector that mirrors to us.
 */
static __always_inline bool in_our_tunnel(struct mirror_outer *key, const __u32 src[4], const __u32 dst[4],
					  __u32 bank)
{
	__builtin_memcpy(key->addr, dst, sizeof(key->addr));
	if (accepted(&MAP(outers), key, bank))
		return true;
	__builtin_memcpy(key->addr, src, sizeof(key->addr));
	return accepted(&MAP(outers), key, bank);
}

/* Most packets need no look-up: our tunnels use neither TCP nor ICMP, and of UDP only their port. */
static __always_inline bool tunnelled(const struct mirror_bank *b, struct mirror_packet *p, __u32 bank)
{
	struct mirror_outer key = { .family = p->family, .proto = p->proto, .port = p->dst_port };

	if (!b->outers || p->proto == IPPROTO_TCP || is_icmp(p->proto) ||
	    (p->ports && b->outer_port && p->dst_port != b->outer_port))
		return false;
	complete_addresses(p);
	return in_our_tunnel(&key, p->src, p->dst, bank);
}

static __always_inline bool is_icmp_error(const struct mirror_packet *p)
{
	if (p->family == 6)
		return p->proto == IPPROTO_ICMPV6 && p->icmp_type && p->icmp_type < 128;
	return p->proto == IPPROTO_ICMP && p->icmp_type < 32 &&
	       (1U << p->icmp_type & (1U << 3 | 1U << 4 | 1U << 5 | 1U << 11 | 1U << 12));
}

/*
 * An ICMP error about one of our copies: the copy of that error would cause the next error. For delivery
 * programs: the verifier would follow this at the end of each path through the select program.
 */
static __always_inline bool quotes_our_tunnel(struct __sk_buff *skb, struct mirror_decision *d)
{
	__u32 off = d->payload, src[4] = {}, dst[4] = {}, bank = d->flags & DECISION_BANK ? 1 : 0;
	struct mirror_outer key = {};
	__be16 ports[2];
	__u8 version;

	if (!(d->flags & DECISION_QUOTES))
		return false;
	d->payload = 0; /* segments have none */
	if (bpf_skb_load_bytes(skb, off, &version, sizeof(version)))
		return false;
	key.family = version >> 4;
	if (key.family == 4) {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
			return false;
		src[0] = ip.saddr;
		dst[0] = ip.daddr;
		key.proto = ip.protocol;
		off += ip.ihl * 4;
	} else {
		struct extension ext;
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
			return false;
		__builtin_memcpy(src, &ip.saddr, sizeof(src));
		__builtin_memcpy(dst, &ip.daddr, sizeof(dst));
		key.proto = ip.nexthdr;
		off += sizeof(ip);
		/* ip6tnl's limit of encapsulations, a fragment header */
		for (int i = 0; i < 2 && (key.proto == IPPROTO_DSTOPTS || key.proto == IPPROTO_FRAGMENT);
		     i++) {
			if (bpf_skb_load_bytes(skb, off, &ext, sizeof(ext)))
				return false;
			key.proto = ext.next;
			off += sizeof(ext);
		}
	}
	if (key.proto == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, off, ports, sizeof(ports)))
			return false;
		key.port = bpf_ntohs(ports[1]);
	}
	return in_our_tunnel(&key, src, dst, bank);
}
