/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "flow.h"

#include <netinet/in.h>
#include <string.h>

#include "../abi/maps.h"
#include "../abi/flow_hash.h"
#include "bytes.h"

struct ends {
	uint32_t src[4], dst[4];
	uint16_t src_port, dst_port;
};

static void read_ends(const struct capture *c, const struct headers *h, struct ends *ends)
{
	size_t size = h->family == 4 ? 4 : 16, at = h->l3 + (h->family == 4 ? 12 : 8);

	/* as in the IP header: with a routing header h->dst is not the address that the data path sees */
	memcpy(ends->src, c->at + at, size);
	memcpy(ends->dst, c->at + at + size, size);
	if (h->l4 && h->fragment != FRAGMENT_LATER && has_ports(h->proto) && h->l4 + 4 <= c->len) {
		ends->src_port = get16(c->at + h->l4);
		ends->dst_port = get16(c->at + h->l4 + 2);
	}
}

static uint64_t hash_of(const struct ends *ends, uint8_t proto)
{
	return hash_flow(hash_end(ends->src, ends->src_port), hash_end(ends->dst, ends->dst_port), proto);
}

static uint64_t datagram_of(const struct ends *ends, const struct headers *h)
{
	/* RFC 8200 4.5 omits the protocol; the two directions are two datagrams */
	uint64_t rest = (uint64_t)h->id << 16 | h->family << 8 | (h->family == 4 ? h->proto : 0);

	return hash_mix(hash_mix(hash_end(ends->src, 0)) + hash_end(ends->dst, 0) + hash_mix(rest));
}

static struct flow_fragment *find(struct flow_fragment *set, uint64_t datagram, uint64_t time_ns)
{
	for (int i = 0; i < FLOW_FRAGMENTS_WAYS; i++)
		if (set[i].datagram == datagram && set[i].time_ns &&
		    time_ns - set[i].time_ns < MIRROR_FRAGMENT_NS)
			return &set[i];
	return NULL;
}

static struct flow_fragment *oldest(struct flow_fragment *set)
{
	struct flow_fragment *old = set;

	for (int i = 1; i < FLOW_FRAGMENTS_WAYS; i++)
		if (set[i].time_ns < old->time_ns)
			old = &set[i];
	return old;
}

static uint64_t hash_ip(struct flow_fragments *fragments, const struct capture *c, const struct headers *h,
			uint64_t time_ns)
{
	struct flow_fragment *set, *known;
	struct ends ends = { 0 };
	uint64_t datagram, hash;

	read_ends(c, h, &ends);
	hash = hash_of(&ends, h->proto);
	if (h->fragment == FRAGMENT_NONE)
		return hash;

	datagram = datagram_of(&ends, h);
	set = fragments->at[datagram % FLOW_FRAGMENTS_SETS];
	known = find(set, datagram, time_ns);
	if (h->fragment == FRAGMENT_LATER)
		return known ? known->hash : hash;
	*(known ?: oldest(set)) = (struct flow_fragment){ datagram, time_ns, hash };
	return hash;
}

/* True for messages that quote the packet they refer to, 8 bytes after the start of the ICMP header. */
static bool is_icmp_error(uint8_t proto, uint8_t type)
{
	switch (proto) {
	case IPPROTO_ICMP: /* unreachable, source quench, redirect, time exceeded, parameter problem */
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	case IPPROTO_ICMPV6:
		return type < 128;
	}
	return false;
}

uint64_t flow_hash(struct flow_fragments *fragments, const struct capture *c, const struct headers *h,
		   uint64_t time_ns)
{
	struct headers quoted;

	if (!h->family)
		return hash_of(&(struct ends){ 0 }, 0);
	if (h->l4 && h->fragment != FRAGMENT_LATER && h->l4 < c->len &&
	    is_icmp_error(h->proto, c->at[h->l4])) {
		headers_parse_ip(c, h->l4 + 8, &quoted);
		if (quoted.family == h->family)
			return hash_ip(fragments, c, &quoted, time_ns);
	}
	return hash_ip(fragments, c, h, time_ns);
}

int flow_direction(const struct capture *c, const struct headers *h)
{
	struct ends ends = { 0 };

	if (h->family)
		read_ends(c, h, &ends);
	return hash_end(ends.src, ends.src_port) < hash_end(ends.dst, ends.dst_port);
}

uint32_t flow_port(uint32_t hash, uint32_t n)
{
	return hash_share(hash_mix(~(uint64_t)hash), n);
}
