/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "headers.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "formats.h"

#define PORT(separator, ID, name, number, carrier, proto, port, ...) PORT_##ID = port,
enum {
	MIRROR_TUNNELS(PORT, ) PORT_VXLAN_LINUX = 8472, /* Linux had one before IANA did */
	PORT_VXLAN_GPE = 4790,
};

#define VXLAN_HAS_TYPE 0x04 /* GPE */
#define VXLAN_REMOTE_CHECKSUM 0x20 /* Linux; in the second byte */

#define JUMBO_OPTION 0xc2 /* RFC 2675 */

static bool seen(const struct capture *c, uint32_t offset, uint32_t size)
{
	return offset <= c->len && size <= c->len - offset;
}

static void parse_l4(const struct capture *c, struct headers *h)
{
	const uint8_t *l4 = c->at + h->l4;
	uint32_t size;

	if (h->fragment == FRAGMENT_LATER || !seen(c, h->l4, 4))
		return;
	switch (h->proto) {
	case IPPROTO_TCP:
		if (!seen(c, h->l4, 20))
			return;
		size = (l4[12] >> 4) * 4;
		if (size < 20)
			return;
		break;
	case IPPROTO_UDP:
		size = 8;
		break;
	case IPPROTO_ICMPV6:
		size = 4;
		break;
	default:
		return;
	}
	if (seen(c, h->l4, size) && h->l4 + size <= h->end)
		h->data = h->l4 + size;
}

static bool parse_ipv4(const struct capture *c, struct headers *h)
{
	const uint8_t *ip = c->at + h->l3;
	uint32_t size, fragment;

	if (!seen(c, h->l3, 20))
		return false;
	size = (ip[0] & 0xf) * 4;
	h->l4 = h->l3 + size;
	/* BIG TCP: a length beyond 16 bits is written as 0 */
	h->end = get16(ip + 2) ? h->l3 + get16(ip + 2) : c->wire_len;
	if (size < 20 || h->end < h->l4)
		return false;
	fragment = get16(ip + 6);
	if (fragment & (IPV4_OFFSET | IPV4_MORE_FRAGMENTS)) {
		h->fragment = fragment & IPV4_OFFSET ? FRAGMENT_LATER : FRAGMENT_FIRST;
		h->id = get16(ip + 4);
	}
	h->proto = ip[9];
	h->src = h->l3 + 12;
	h->dst = h->l3 + 16;
	return true;
}

/* The offset of the final destination in a routing header with segments left; 0: it has none. */
static uint32_t final_destination(const struct capture *c, uint32_t offset)
{
	const uint8_t *routing = c->at + offset;
	uint32_t addresses = routing[1] / 2, at = offset + 8;

	if (!routing[3] || !addresses)
		return 0;
	switch (routing[2]) {
	case 0:
	case 2:
		at += (addresses - 1) * 16;
		break;
	case 4: /* segment routing lists the last segment first (RFC 8754) */
		break;
	default:
		return 0;
	}
	return seen(c, at, 16) ? at : 0;
}

static bool parse_ipv6(const struct capture *c, struct headers *h)
{
	const uint8_t *ip = c->at + h->l3;
	uint32_t at = h->l3 + 40, size;

	if (!seen(c, h->l3, 40))
		return false;
	h->end = get16(ip + 4) ? at + get16(ip + 4) : c->wire_len;
	h->proto = ip[6];
	h->src = h->l3 + 8;
	h->dst = h->l3 + 24;

	for (int i = 0; is_extension(h->proto); i++) {
		const uint8_t *ext = c->at + at;

		if (i == MAX_EXTENSIONS || !seen(c, at, 8))
			return true;
		size = (ext[1] + 1) * 8;
		switch (h->proto) {
		case IPPROTO_FRAGMENT:
			size = 8;
			h->id = get32(ext + 4);
			if (get16(ext + 2) & IPV6_OFFSET)
				h->fragment = FRAGMENT_LATER;
			else if (get16(ext + 2) & IPV6_MORE_FRAGMENTS)
				h->fragment = FRAGMENT_FIRST;
			break;
		case IPPROTO_AH:
			size = (ext[1] + 2) * 4;
			break;
		case IPPROTO_ROUTING:
			h->dst = final_destination(c, at) ?: h->dst;
			break;
		case IPPROTO_HOPOPTS:
			h->jumbo = !i && !get16(ip + 4) && size == HEADERS_JUMBO_SIZE &&
				   ext[0] == IPPROTO_TCP && ext[2] == JUMBO_OPTION;
			break;
		}
		h->proto = ext[0];
		at += size;
		if (h->fragment == FRAGMENT_LATER)
			break;
	}
	if (at > h->end)
		return false;
	h->l4 = at;
	return true;
}

void headers_parse_ip(const struct capture *c, uint32_t offset, struct headers *h)
{
	bool ip = false;

	*h = (struct headers){ .l3 = offset };
	if (seen(c, offset, 1)) {
		h->family = c->at[offset] >> 4;
		ip = h->family == 4 ? parse_ipv4(c, h) : h->family == 6 && parse_ipv6(c, h);
	}
	if (!ip)
		*h = (struct headers){ 0 };
	else if (h->l4)
		parse_l4(c, h);
}

/* The EtherType after the Ethernet header at *offset and its tags; moves *offset there. 0: not captured. */
static uint16_t ethertype(const struct capture *c, uint32_t *offset)
{
	uint16_t type;

	*offset += 2 * ETHER_ADDR_LEN;
	for (int tags = 0;; tags++) {
		if (!seen(c, *offset, 2))
			return 0;
		type = get16(c->at + *offset);
		*offset += 2;
		if ((type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ) || tags == MAX_VLAN_TAGS)
			return type;
		*offset += 2;
	}
}

static void parse_typed(const struct capture *c, uint16_t type, uint32_t offset, struct headers *h)
{
	headers_parse_ip(c, offset, h);
	if ((type != ETHERTYPE_IP || h->family != 4) && (type != ETHERTYPE_IPV6 || h->family != 6))
		*h = (struct headers){ 0 };
}

uint32_t headers_size(const struct headers *h)
{
	return h->data ?: h->l4 ?: HEADERS_NOT_IP;
}

void headers_parse(const struct capture *c, bool l3, struct headers *h)
{
	uint32_t offset = 0;
	uint16_t type;

	if (l3) {
		headers_parse_ip(c, 0, h);
		return;
	}
	type = ethertype(c, &offset);
	parse_typed(c, type, offset, h);
}

static enum inner inner_typed(const struct capture *c, uint16_t type, uint32_t offset, struct headers *inner)
{
	if (type == ETHERTYPE_TEB) {
		type = ethertype(c, &offset);
		if (!type)
			return INNER_OPAQUE;
	}
	if (type != ETHERTYPE_IP && type != ETHERTYPE_IPV6)
		return INNER_NONE;
	if (!seen(c, offset, type == ETHERTYPE_IP ? 20 : 40))
		return INNER_OPAQUE;
	parse_typed(c, type, offset, inner);
	return inner->family ? INNER_FOUND : INNER_NONE;
}

static uint16_t type_of_proto(uint8_t proto)
{
	return proto == IPPROTO_IPIP ? ETHERTYPE_IP : proto == IPPROTO_IPV6 ? ETHERTYPE_IPV6 : 0;
}

static enum inner inner_gre(const struct capture *c, uint32_t at, struct headers *inner)
{
	const uint8_t *gre = c->at + at;

	if (!seen(c, at, 4) || (gre[0] & ~0x20) || gre[1])
		return INNER_OPAQUE;
	return inner_typed(c, get16(gre + 2), at + (gre[0] ? 8 : 4), inner);
}

static enum inner inner_vxlan(const struct capture *c, uint32_t at, struct headers *inner)
{
	static const uint16_t types[] = { 0, ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_TEB };
	const uint8_t *vxlan = c->at + at;
	uint16_t type = ETHERTYPE_TEB;

	if (!seen(c, at, 8))
		return INNER_OPAQUE;
	if (!(vxlan[0] & VXLAN_HAS_VNI))
		return INNER_NONE;
	if (vxlan[0] & VXLAN_HAS_TYPE)
		type = vxlan[3] < sizeof(types) / sizeof(types[0]) ? types[vxlan[3]] : 0;
	return !type || vxlan[1] & VXLAN_REMOTE_CHECKSUM ? INNER_OPAQUE : inner_typed(c, type, at + 8, inner);
}

static enum inner inner_geneve(const struct capture *c, uint32_t at, struct headers *inner)
{
	const uint8_t *geneve = c->at + at;

	if (!seen(c, at, 8))
		return INNER_OPAQUE;
	return geneve[0] >> 6 ? INNER_NONE :
				inner_typed(c, get16(geneve + 2), at + 8 + (geneve[0] & 0x3f) * 4, inner);
}

static enum inner inner_gue(const struct capture *c, uint32_t at, struct headers *inner)
{
	const uint8_t *gue = c->at + at;

	if (!seen(c, at, 4))
		return INNER_OPAQUE;
	if (gue[0] & 0xe0 || !type_of_proto(gue[1]))
		return INNER_NONE;
	return get16(gue + 2) ? INNER_OPAQUE :
				inner_typed(c, type_of_proto(gue[1]), at + 4 + (gue[0] & 0x1f) * 4, inner);
}

/* FOU, and GUE variant 1: nothing between the UDP and the IP header. */
static enum inner inner_ip(const struct capture *c, uint32_t at, struct headers *inner)
{
	headers_parse_ip(c, at, inner);
	return inner->family ? INNER_FOUND : INNER_NONE;
}

static bool is_partial(const struct capture *c, const struct headers *h)
{
	const uint8_t *at = c->at;
	int field = checksum_field(h->proto);

	return field >= 0 && h->data &&
	       checksum_get(at + h->l4 + field) ==
		       checksum_fold(checksum_pseudo(h->family, at + h->src, at + h->dst, h->proto,
						     h->end - h->l4));
}

/*
 * On any port. What fills the datagram to its last byte and has a checksum that is left to the NIC, as in
 * every GSO packet, is not there by chance; without such a checksum there is nothing to do.
 */
static enum inner inner_guess(const struct capture *c, const struct headers *outer, struct headers *inner)
{
	static enum inner (*const forms[])(const struct capture *, uint32_t, struct headers *) = {
		inner_vxlan, inner_geneve, inner_gue, inner_gre, inner_ip,
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i](c, outer->data, inner) == INNER_FOUND && inner->end == outer->end &&
		    is_partial(c, inner))
			return INNER_FOUND;
	return INNER_NONE;
}

static enum inner inner_udp(const struct capture *c, const struct headers *outer, struct headers *inner)
{
	enum inner found = INNER_NONE;

	switch (get16(c->at + outer->l4 + 2)) {
	case PORT_VXLAN:
	case PORT_VXLAN_LINUX:
	case PORT_VXLAN_GPE:
		found = inner_vxlan(c, outer->data, inner);
		break;
	case PORT_GENEVE:
		found = inner_geneve(c, outer->data, inner);
		break;
	case PORT_GUE:
		found = inner_gue(c, outer->data, inner);
		break;
	}
	return found == INNER_NONE ? inner_guess(c, outer, inner) : found;
}

enum inner headers_inner(const struct capture *c, const struct headers *outer, struct headers *inner)
{
	enum inner found = INNER_NONE;

	if (!outer->l4 || outer->fragment != FRAGMENT_NONE)
		return INNER_NONE;
	switch (outer->proto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		found = inner_typed(c, type_of_proto(outer->proto), outer->l4, inner);
		break;
	case IPPROTO_GRE:
		found = inner_gre(c, outer->l4, inner);
		break;
	case IPPROTO_UDP:
		if (outer->data)
			found = inner_udp(c, outer, inner);
		break;
	}
	return found == INNER_FOUND && inner->end > outer->end ? INNER_NONE : found;
}
