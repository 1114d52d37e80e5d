/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "encap.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "bytes.h"

#define MACS_SIZE (2 * ETHER_ADDR_LEN)

#define ERSPAN_VERSION (1 << 12) /* type II is version 1 */
#define ERSPAN_TAG_KEPT (3 << 11) /* En: a VLAN tag, if any, is in the frame */
#define ERSPAN_TRUNCATED (1 << 10)
#define ERSPAN_INDEX_MAX 0xfffff

static uint32_t build_gue(const struct encap *e, const struct split_packet *p,
			  const struct encap_origin *origin, uint8_t *to)
{
	(void)e;
	(void)origin;
	put32(to, 0);
	to[1] = p->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	return 4;
}

static uint32_t build_vxlan(const struct encap *e, const struct split_packet *p,
			    const struct encap_origin *origin, uint8_t *to)
{
	(void)p;
	(void)origin;
	put32(to, VXLAN_HAS_VNI << 24);
	put32(to + 4, e->id << 8);
	return 8;
}

/* Writes the header of an option with size bytes; returns the place for these. */
static uint8_t *option(uint8_t *to, enum encap_option type, uint8_t size)
{
	put16(to, ENCAP_GENEVE_CLASS);
	to[2] = type;
	to[3] = size / 4;
	return to + 4;
}

static uint32_t build_geneve(const struct encap *e, const struct split_packet *p,
			     const struct encap_origin *origin, uint8_t *to)
{
	uint8_t *at = to + 8;

	if (e->metadata) {
		at = option(at, ENCAP_OPTION_ORIGIN, 4);
		put32(at, (uint32_t)origin->filter << 24 | origin->egress << 16);
		at = option(at + 4, ENCAP_OPTION_LENGTH, 4);
		put32(at, p->wire_len + (p->ethernet ? 0 : sizeof(struct ether_header)));
		at = option(at + 4, ENCAP_OPTION_TIME, 8);
		put64(at, origin->time_ns);
		at += 8;
	}
	to[0] = (at - to - 8) / 4;
	to[1] = 0;
	put16(to + 2, ETHERTYPE_TEB);
	put32(to + 4, e->id << 8);
	return at - to;
}

static uint32_t build_gre(const struct encap *e, const struct split_packet *p,
			  const struct encap_origin *origin, uint8_t *to)
{
	(void)e;
	(void)p;
	(void)origin;
	put32(to, ETHERTYPE_TEB);
	return 4;
}

/* The tag control word of the frame's outermost tag, 0 if it has none. */
static uint16_t outermost_tag(const struct split_packet *p)
{
	uint16_t type;

	if (!p->ethernet || p->header_len < MACS_SIZE + 4)
		return 0;
	type = get16(p->header + MACS_SIZE);
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ ? get16(p->header + MACS_SIZE + 2) : 0;
}

static uint32_t build_erspan(const struct encap *e, const struct split_packet *p,
			     const struct encap_origin *origin, uint8_t *to)
{
	uint16_t tci = outermost_tag(p), flags = (tci >> 13) << 13 | ERSPAN_TAG_KEPT;

	if (p->flags & SPLIT_TRIMMED)
		flags |= ERSPAN_TRUNCATED;
	put16(to, GRE_HAS_SEQUENCE);
	put16(to + 2, ETHERTYPE_ERSPAN);
	put32(to + 4, e->sequence);
	put16(to + 8, ERSPAN_VERSION | (tci & 0xfff));
	put16(to + 10, flags | e->id);
	put32(to + 12, (origin->ifindex << 1 | origin->egress) & ERSPAN_INDEX_MAX);
	return 16;
}

typedef uint32_t builder(const struct encap *e, const struct split_packet *p,
			 const struct encap_origin *origin, uint8_t *to);

/* NULL: the frame itself is sent. */
#define BUILDER(separator, ID, name, ...) [FORMAT_##ID] = build_##name,
static builder *const builders[FORMAT_COUNT] = { MIRROR_TUNNELS(BUILDER, ) };

/* The frame's addresses, our tag if the format has one, and the EtherType. */
static uint32_t put_ethernet(const struct encap *e, const struct split_packet *p, uint8_t *to)
{
	uint8_t *at = to + MACS_SIZE;

	memset(to, 0, MACS_SIZE);
	if (p->ethernet)
		memcpy(to, p->header, MACS_SIZE);
	if (e->format->tags) {
		put16(at, ETHERTYPE_VLAN);
		put16(at + 2, e->id);
		at += 4;
	}
	if (p->ethernet)
		memcpy(at, p->header + MACS_SIZE, 2);
	else
		put16(at, p->family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	return at + 2 - to;
}

int encap_build(const struct encap *e, const struct split_packet *p, const struct encap_origin *origin,
		uint8_t *outer, uint32_t *skip)
{
	bool new_ethernet = !e->l3 && (!p->ethernet || e->format->tags);
	builder *build;
	uint32_t size;

	if (!p->family && (e->l3 || !p->ethernet))
		return -EPROTONOSUPPORT;
	*skip = 0;
	if (p->ethernet)
		*skip = e->l3 ? p->l3 : new_ethernet ? sizeof(struct ether_header) : 0;
	if (p->header_len < *skip)
		return -EBADMSG;

	build = builders[e->format->number];
	size = build ? build(e, p, origin, outer) : 0;
	if (new_ethernet)
		size += put_ethernet(e, p, outer + size);
	return size;
}
