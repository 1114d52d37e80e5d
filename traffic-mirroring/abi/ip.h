/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How the data path and user space both classify packets: docs/filters.md, "What counts as what". */
#pragma once

#ifdef __bpf__
#include <linux/in.h>
#include <linux/in6.h>
#else
#include <netinet/in.h>
#endif
#include <linux/types.h>
#include <stdbool.h>

#define MAX_VLAN_TAGS 2 /* in band */
#define MAX_EXTENSIONS 8

#define IPPROTO_HIP 139 /* RFC 7401 */
#define IPPROTO_SHIM6 140 /* RFC 5533 */

#define IPV4_OFFSET 0x1fff
#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV6_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001

enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

/* Whether this number is that of an IPv6 extension header, which another header follows. */
static inline __attribute__((always_inline)) bool is_extension(__u32 next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IPPROTO_HIP:
	case IPPROTO_SHIM6:
		return true;
	}
	return false;
}

static inline __attribute__((always_inline)) bool is_icmp(__u32 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* The minimum size of a layer-4 header that the data path parses; 0: it does not parse it. */
static inline __attribute__((always_inline)) __u32 l4_size(__u32 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 8;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 4;
	}
	return 0;
}

/* Whether the layer-4 header starts with two 16-bit ports. */
static inline __attribute__((always_inline)) bool has_ports(__u32 proto)
{
	return l4_size(proto) && !is_icmp(proto);
}
