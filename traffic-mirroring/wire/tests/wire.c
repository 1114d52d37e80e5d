/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "wire.h"

#include <netinet/in.h>
#include <string.h>

#include "../bytes.h"

static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

uint16_t wire_sum(uint32_t start, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		start += i % 2 ? at[i] : at[i] << 8;
		start = (start & 0xffff) + (start >> 16);
	}
	return start;
}

void wire_fill(uint8_t *at, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		at[i] = seed >> 16;
	}
}

struct builder {
	const struct recipe *r;
	uint32_t index, gso_size;
	const uint8_t *payload;
	size_t len;
	uint8_t *end;
};

static uint8_t *append(struct builder *b, size_t size)
{
	uint8_t *at = b->end;

	memset(at, 0, size);
	b->end += size;
	return at;
}

static void ethernet(struct builder *b, const uint16_t *tag, uint8_t family)
{
	memcpy(append(b, sizeof(macs)), macs, sizeof(macs));
	for (int i = 0; tag && i < 2 && tag[i]; i++) {
		uint8_t *at = append(b, 4);

		put16(at, i ? 0x8100 : tag[1] ? 0x88a8 : 0x8100);
		put16(at + 2, tag[i]);
	}
	put16(append(b, 2), family == 4 ? 0x0800 : 0x86dd);
}

struct ip {
	uint8_t *at;
	uint8_t family;
	uint8_t final_dst[16]; /* of the pseudo header */
	bool length_zero;
};

static uint8_t *extension(struct builder *b, uint8_t **next, uint8_t type, size_t size)
{
	uint8_t *at = append(b, size);

	**next = type;
	*next = at;
	at[1] = size / 8 - 1;
	return at;
}

/* Addresses end with last, so that inner and outer ones differ. */
static struct ip ip_header(struct builder *b, uint8_t family, uint8_t proto, uint8_t last, bool inner,
			   uint16_t id)
{
	const struct recipe *r = b->r;
	struct ip ip = { .at = b->end, .family = family };
	uint8_t *next, *ext;

	if (family == 4) {
		uint8_t options = inner ? r->ip_options * 4 : 0;

		append(b, 20 + options);
		memset(ip.at + 20, 1, options); /* no operation */
		ip.at[0] = 0x40 | (20 + options) / 4;
		put16(ip.at + 4, id + b->index);
		put16(ip.at + 6, r->df ? 0x4000 : 0);
		ip.at[8] = 64;
		ip.at[9] = proto;
		memcpy(ip.at + 12, (uint8_t[]){ 10, 1, 2, last, 10, 1, 3, last }, 8);
		memcpy(ip.final_dst, ip.at + 16, 4);
		ip.length_zero = inner && r->length_zero;
		return ip;
	}
	append(b, 40);
	ip.at[0] = 0x60;
	ip.at[7] = 64;
	ip.at[8] = ip.at[24] = 0xfd;
	ip.at[23] = last;
	ip.at[38] = 1;
	ip.at[39] = last;
	memcpy(ip.final_dst, ip.at + 24, 16);
	next = ip.at + 6;
	if (inner && r->jumbo) {
		ext = extension(b, &next, IPPROTO_HOPOPTS, 8);
		ext[2] = 0xc2;
		ext[3] = 4;
		ip.length_zero = true;
	}
	if (inner && r->routing) {
		ext = extension(b, &next, IPPROTO_ROUTING, 24);
		ext[2] = 2;
		ext[3] = 1;
		memcpy(ext + 8, ip.final_dst, 16);
		ext[8 + 15] = last + 1;
		memcpy(ip.final_dst, ext + 8, 16);
	}
	if (inner && r->destination_options) {
		ext = extension(b, &next, IPPROTO_DSTOPTS, 16);
		ext[2] = 1; /* PadN */
		ext[3] = 12;
	}
	*next = proto;
	return ip;
}

static void ip_finish(struct builder *b, const struct ip *ip)
{
	size_t len = b->end - ip->at;

	if (ip->family == 6) {
		put16(ip->at + 4, ip->length_zero ? 0 : len - 40);
		return;
	}
	put16(ip->at + 2, ip->length_zero ? 0 : len);
	put16(ip->at + 10, ~wire_sum(0, ip->at, (ip->at[0] & 0xf) * 4));
}

static uint16_t pseudo_sum(const struct ip *ip, uint8_t proto, size_t len)
{
	size_t size = ip->family == 4 ? 4 : 16;
	uint8_t pseudo[40] = { 0 };

	memcpy(pseudo, ip->at + (ip->family == 4 ? 12 : 8), size);
	memcpy(pseudo + size, ip->final_dst, size);
	put32(pseudo + 2 * size, len);
	pseudo[2 * size + 7] = proto;
	return wire_sum(0, pseudo, 2 * size + 8);
}

static void l4_checksum(struct builder *b, const struct ip *ip, uint8_t *l4, uint8_t proto, uint8_t *field)
{
	uint16_t sum = pseudo_sum(ip, proto, b->end - l4);

	if (b->r->partial) {
		put16(field, sum);
		return;
	}
	put16(field, 0);
	sum = ~wire_sum(sum, l4, b->end - l4);
	put16(field, sum || (b->gso_size && proto == IPPROTO_TCP) ? sum : 0xffff);
}

static void transport(struct builder *b, const struct ip *ip)
{
	const struct recipe *r = b->r;
	uint8_t *l4 = b->end;

	if (r->proto == IPPROTO_TCP) {
		append(b, 20 + r->tcp_options * 4);
		memset(l4 + 20, 1, r->tcp_options * 4);
		put16(l4, 40000);
		put16(l4 + 2, 443);
		put32(l4 + 4, 0xfffff000 + b->index * b->gso_size); /* wraps */
		put32(l4 + 8, 77);
		l4[12] = (5 + r->tcp_options) << 4 | r->accurate_ecn;
		l4[13] = r->tcp_flags;
		put16(l4 + 14, 512);
		memcpy(append(b, b->len), b->payload, b->len);
		l4_checksum(b, ip, l4, r->proto, l4 + 16);
	} else if (r->proto == IPPROTO_UDP) {
		append(b, 8);
		put16(l4, 40000);
		put16(l4 + 2, 443);
		put16(l4 + 4, 8 + b->len);
		memcpy(append(b, b->len), b->payload, b->len);
		l4_checksum(b, ip, l4, r->proto, l4 + 6);
	} else {
		append(b, 8);
		l4[0] = 128; /* ICMPv6 echo */
		memcpy(append(b, b->len), b->payload, b->len);
		if (r->proto == IPPROTO_ICMPV6)
			l4_checksum(b, ip, l4, r->proto, l4 + 2);
	}
}

static void inner_packet(struct builder *b)
{
	struct ip ip = ip_header(b, b->r->family, b->r->proto, 9, true, b->r->id);

	transport(b, &ip);
	ip_finish(b, &ip);
}

static uint8_t outer_proto(const struct recipe *r)
{
	switch (r->tunnel) {
	case TUNNEL_GRE:
	case TUNNEL_GRE_KEY:
		return IPPROTO_GRE;
	case TUNNEL_IP:
		return r->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	default:
		return IPPROTO_UDP;
	}
}

static void tunnel_header(struct builder *b)
{
	const struct recipe *r = b->r;
	uint8_t *at;

	switch (r->tunnel) {
	case TUNNEL_VXLAN:
	case TUNNEL_VXLAN_GBP:
		at = append(b, 8);
		at[0] = r->tunnel == TUNNEL_VXLAN ? 8 : 0x88;
		put16(at + 2, r->tunnel == TUNNEL_VXLAN ? 0 : 0x1234); /* the group's ID */
		at[6] = 7;
		ethernet(b, NULL, r->family);
		break;
	case TUNNEL_VXLAN_GPE:
		at = append(b, 8);
		at[0] = 0x0c;
		at[3] = r->family == 4 ? 1 : 2;
		break;
	case TUNNEL_GENEVE:
		at = append(b, 16);
		at[0] = 2;
		put16(at + 2, 0x6558);
		at[11] = 1;
		ethernet(b, r->tag, r->family);
		break;
	case TUNNEL_GRE:
	case TUNNEL_FOU_GRE:
		put16(append(b, 4) + 2, r->family == 4 ? 0x0800 : 0x86dd);
		break;
	case TUNNEL_GRE_KEY:
		at = append(b, 8);
		at[0] = 0x20;
		put16(at + 2, 0x6558);
		ethernet(b, NULL, r->family);
		break;
	case TUNNEL_GUE:
		append(b, 4)[1] = r->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
		break;
	default:
		break;
	}
}

static void outer_packet(struct builder *b)
{
	static const uint16_t ports[] = {
		[TUNNEL_VXLAN] = 4789,	 [TUNNEL_VXLAN_GBP] = 4789, [TUNNEL_VXLAN_GPE] = 4790,
		[TUNNEL_GENEVE] = 6081,	 [TUNNEL_GUE] = 6080,	    [TUNNEL_FOU] = 5555,
		[TUNNEL_FOU_GRE] = 5556,
	};
	const struct recipe *r = b->r;
	uint8_t proto = outer_proto(r), *udp;
	struct ip ip = ip_header(b, r->outer_family, proto, 1, false, r->outer_id);

	udp = append(b, proto == IPPROTO_UDP ? 8 : 0);
	tunnel_header(b);
	inner_packet(b);
	if (proto == IPPROTO_UDP) {
		put16(udp, 50000);
		put16(udp + 2, r->outer_port ?: ports[r->tunnel]);
		put16(udp + 4, b->end - udp);
		if (r->outer_checksum)
			l4_checksum(b, &ip, udp, proto, udp + 6);
	}
	ip_finish(b, &ip);
}

size_t wire_build(const struct recipe *r, uint32_t index, uint32_t gso_size, const uint8_t *payload,
		  size_t len, uint8_t *to)
{
	struct builder b = { r, index, gso_size, payload, len, to };

	if (!r->l3)
		ethernet(&b, r->tag, r->tunnel ? r->outer_family : r->family);
	if (r->tunnel)
		outer_packet(&b);
	else
		inner_packet(&b);
	return b.end - to;
}
