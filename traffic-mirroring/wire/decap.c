/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "decap.h"

#include <net/ethernet.h>
#include <netinet/in.h>

#include "bytes.h"
#include "encap.h"
#include "headers.h"

#define GUE_CONTROL 0x20
#define GENEVE_CONTROL 0x80
#define GENEVE_CRITICAL 0x80 /* of an option's type */
#define GRE_HAS_CHECKSUM 0x8000
#define GRE_HAS_KEY 0x2000
#define ERSPAN_TYPE_II 1

/* Each decapsulates the packet that d describes from one tunnel. */
typedef enum decap_result open_tunnel(const uint8_t *at, struct decap *d);

static void advance(struct decap *d, uint32_t size)
{
	d->offset += size;
	d->len -= size;
}

/* An IP packet begins with its version. */
static enum decap_result open_ip(const uint8_t *at, uint32_t size, struct decap *d)
{
	if (d->len <= size)
		return DECAP_SHORT;
	if (at[size] >> 4 != 4 && at[size] >> 4 != 6)
		return DECAP_INVALID;
	advance(d, size);
	d->l3 = true;
	return DECAP_PACKET;
}

static enum decap_result open_gue(const uint8_t *at, struct decap *d)
{
	if (!d->len)
		return DECAP_SHORT;
	if (at[0] >> 6 == 1)
		return open_ip(at, 0, d);
	if (at[0] >> 6)
		return DECAP_INVALID;
	if (at[0] & GUE_CONTROL)
		return DECAP_CONTROL;
	if (d->len < 4)
		return DECAP_SHORT;
	if (at[1] != IPPROTO_IPIP && at[1] != IPPROTO_IPV6)
		return DECAP_INVALID;
	return open_ip(at, 4 + (at[0] & 0x1f) * 4, d);
}

static enum decap_result open_frame(uint32_t size, struct decap *d)
{
	if (d->len < size + sizeof(struct ether_header))
		return DECAP_SHORT;
	advance(d, size);
	d->l3 = false;
	return DECAP_PACKET;
}

static enum decap_result open_vxlan(const uint8_t *at, struct decap *d)
{
	if (d->len < 8)
		return DECAP_SHORT;
	if (!(at[0] & VXLAN_HAS_VNI))
		return DECAP_INVALID;
	d->vni = get32(at + 4) >> 8;
	return open_frame(8, d);
}

static void read_option(const uint8_t *option, uint32_t size, struct decap *d)
{
	const uint8_t *value = option + 4;

	if (get16(option) != ENCAP_GENEVE_CLASS)
		return;
	if (option[2] == ENCAP_OPTION_ORIGIN && size == 4) {
		d->filter = value[0];
		d->egress = value[1] & 1;
	} else if (option[2] == ENCAP_OPTION_LENGTH && size == 4) {
		d->wire_len = get32(value);
	} else if (option[2] == ENCAP_OPTION_TIME && size == 8) {
		d->time_ns = (uint64_t)get32(value) << 32 | get32(value + 4);
	}
}

static enum decap_result open_typed(const uint8_t *at, uint16_t type, uint32_t size, struct decap *d)
{
	if (type == ETHERTYPE_TEB)
		return open_frame(size, d);
	return type == ETHERTYPE_IP || type == ETHERTYPE_IPV6 ? open_ip(at, size, d) : DECAP_INVALID;
}

static enum decap_result open_geneve(const uint8_t *at, struct decap *d)
{
	uint32_t size, option_size;

	if (d->len < 8)
		return DECAP_SHORT;
	if (at[0] >> 6)
		return DECAP_INVALID;
	if (at[1] & GENEVE_CONTROL)
		return DECAP_CONTROL;
	size = 8 + (at[0] & 0x3f) * 4;
	if (d->len < size)
		return DECAP_SHORT;
	for (uint32_t o = 8; o < size; o += 4 + option_size) {
		option_size = (at[o + 3] & 0x1f) * 4;
		if (size - o < 4 + option_size || at[o + 2] & GENEVE_CRITICAL)
			return DECAP_INVALID;
		read_option(at + o, option_size, d);
	}
	d->vni = get32(at + 4) >> 8;
	return open_typed(at, get16(at + 2), size, d);
}

static enum decap_result open_gre(const uint8_t *at, struct decap *d)
{
	uint32_t size = 4;
	uint16_t flags;

	if (d->len < size)
		return DECAP_SHORT;
	flags = get16(at);
	if (flags & ~(GRE_HAS_CHECKSUM | GRE_HAS_KEY | GRE_HAS_SEQUENCE))
		return DECAP_INVALID;
	for (uint16_t field = GRE_HAS_CHECKSUM; field >= GRE_HAS_SEQUENCE; field >>= 1)
		size += flags & field ? 4 : 0;
	return open_typed(at, get16(at + 2), size, d);
}

static enum decap_result open_erspan(const uint8_t *at, struct decap *d)
{
	if (d->len < 4)
		return DECAP_SHORT;
	if (get16(at + 2) != ETHERTYPE_ERSPAN)
		return DECAP_INVALID;
	if (!get16(at)) /* type I has no header of its own */
		return open_frame(4, d);
	if (d->len < 16)
		return DECAP_SHORT;
	if (get16(at) != GRE_HAS_SEQUENCE || at[8] >> 4 != ERSPAN_TYPE_II)
		return DECAP_INVALID;
	d->vni = get16(at + 10) & format_of(FORMAT_ERSPAN)->id_max;
	return open_frame(16, d);
}

static enum decap_result open_vlan(const uint8_t *at, struct decap *d)
{
	const uint8_t *tag = at + 2 * ETHER_ADDR_LEN;

	if (d->len < sizeof(struct ether_header) + DECAP_TAG_SIZE)
		return DECAP_SHORT;
	if (get16(tag) != ETHERTYPE_VLAN)
		return DECAP_INVALID;
	d->vni = get16(tag + 2) & 0xfff;
	d->untagged = true;
	return open_frame(DECAP_TAG_SIZE, d);
}

static enum decap_result open_dev(const uint8_t *at, struct decap *d)
{
	(void)at;
	return open_frame(0, d);
}

#define TUNNEL(separator, ID, name, ...) [FORMAT_##ID] = open_##name,
static open_tunnel *const tunnels[FORMAT_COUNT] = { MIRROR_FORMATS(TUNNEL, ) };

/* Decapsulates a packet that is a tunnel packet itself. */
static bool open_nested(const uint8_t *datagram, const struct decap_ports *ports, struct decap *d)
{
	struct capture c = { datagram + d->offset, d->len, d->wire_len > d->len ? d->wire_len : d->len };
	struct decap inner = *d;
	struct headers h;
	uint32_t stripped;

	headers_parse(&c, d->l3, &h);
	if (h.proto != IPPROTO_UDP || h.fragment != FRAGMENT_NONE || !h.data)
		return false;
	if (inner.len > h.end)
		inner.len = h.end;
	advance(&inner, h.data);
	inner.untagged = false;
	for (uint32_t i = 0; i < ports->count; i++) {
		if (ports->at[i].port != get16(c.at + h.l4 + 2))
			continue;
		inner.format = ports->at[i].format;
		inner.wire_len = 0;
		if (tunnels[inner.format](c.at + h.data, &inner) != DECAP_PACKET)
			return false;
		stripped = inner.offset - d->offset;
		if (!inner.wire_len)
			inner.wire_len = h.end - stripped;
		*d = inner;
		return true;
	}
	return false;
}

enum decap_result decap_datagram(const struct capture *datagram, enum mirror_format format,
				 const struct decap_ports *ports, uint32_t depth, struct decap *d)
{
	enum decap_result result;

	*d = (struct decap){ .len = datagram->len, .format = format, .vni = DECAP_NO_VNI };
	result = tunnels[format](datagram->at, d);
	if (result != DECAP_PACKET)
		return result;
	if (!d->wire_len && datagram->len < datagram->wire_len)
		d->wire_len = datagram->wire_len - d->offset;
	d->outer_vni = d->vni;
	while (--depth && open_nested(datagram->at, ports, d))
		if (d->outer_vni == DECAP_NO_VNI)
			d->outer_vni = d->vni;
	return DECAP_PACKET;
}
