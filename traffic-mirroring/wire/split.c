/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "split.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "prefetch.h"

#define MACS_SIZE (2 * ETHER_ADDR_LEN)
#define TAG_SIZE 4

#define GSO_BY_FRAGS 0xffff /* SCTP: segments of any sizes, which the packet does not tell */

#define IPV4_DF 0x4000
#define IPV6_HEADER 40

/* Payload that is not to be seen. Longer packets are truncated. */
static const uint8_t zeros[1 << 16];

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define TCP_AE 0x01 /* in the byte before the other flags */

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Finds the IP headers. True: there is a tunnel below them that cannot be parsed. */
static bool find_levels(struct split *s)
{
	const struct capture *c = &s->in.packet;
	bool opaque = false;

	headers_parse(c, s->in.l3, &s->level[0]);
	if (!s->level[0].family)
		return false;
	for (s->levels = 1; s->levels < SPLIT_LEVELS; s->levels++) {
		enum inner inner = headers_inner(c, &s->level[s->levels - 1], &s->level[s->levels]);

		if (inner != INNER_FOUND) {
			opaque = inner == INNER_OPAQUE;
			break;
		}
	}
	opaque |= s->levels == SPLIT_LEVELS;
	/*
	 * A train of datagrams (UDP GSO) that are tunnel packets: the first one's inner packet ends before
	 * the train does. Segment the datagrams, not the inner packet.
	 */
	while (s->in.gso_size && s->levels > 1 && s->level[s->levels - 1].end != c->wire_len) {
		s->levels--;
		opaque = false;
	}
	return opaque;
}

/* Bytes of headers, up to the layer-4 payload, or as far as known. */
static uint32_t header_size(const struct split *s, const struct headers *last)
{
	if (!last->family)
		return s->in.l3 ? 0 : sizeof(struct ether_header);
	if (!last->l4)
		return last->l3 + IPV6_HEADER;
	return last->data ?: last->l4;
}

/*
 * Linux makes trains of datagrams (UDP GSO) only with checksums: without one it is a tunnel that we do not
 * know. And with its header each fits into the MTU, which the fragments of UFO fill without one.
 */
static bool is_train(const struct split_input *in, const struct headers *h)
{
	return checksum_get(in->packet.at + h->l4 + checksum_field(IPPROTO_UDP)) &&
	       !(h->family == 4 && in->gso_size + h->l4 - h->l3 == ETHERMTU);
}

static bool can_split(const struct split_input *in, const struct headers *last)
{
	return in->gso_size != GSO_BY_FRAGS && last->data && last->fragment == FRAGMENT_NONE &&
	       (last->proto == IPPROTO_TCP || (last->proto == IPPROTO_UDP && is_train(in, last)));
}

static bool lacks_crc(const struct capture *c, const struct headers *last)
{
	return last->proto == IPPROTO_SCTP && last->l4 && last->fragment == FRAGMENT_NONE &&
	       last->l4 + 12 <= c->len && !get32(c->at + last->l4 + 8);
}

/* When it segments, Linux removes the jumbo option: a segment's length fits into the IP header again. */
static void remove_jumbo(struct split *s, struct headers *last)
{
	s->cut = HEADERS_JUMBO_SIZE;
	s->option = last->l3 + IPV6_HEADER;
	last->l4 -= s->cut;
	last->data -= s->cut;
}

/* The pseudo headers without their length, which differs per packet. */
static void add_pseudo(struct split *s)
{
	const uint8_t *at = s->in.packet.at;

	for (uint32_t i = 0; i < s->levels; i++) {
		const struct headers *h = &s->level[i];

		if (h->data)
			s->pseudo[i] = checksum_pseudo(h->family, at + h->src, at + h->dst, h->proto, 0);
	}
}

/* Subtracts a field from a sum: its complement is its negative. */
static checksum_t without(checksum_t sum, const uint8_t *field)
{
	return checksum_join(sum, (uint16_t)~checksum_get(field));
}

/* The IPv4 headers of segments without length, ID and checksum, which differ per segment. */
static void add_ipv4(struct split *s)
{
	for (uint32_t i = 0; i < s->levels; i++) {
		const struct headers *h = &s->level[i];
		const uint8_t *ip = s->in.packet.at + h->l3;

		if (h->family == 4) {
			s->ipv4[i] = checksum_add(0, ip, h->l4 - h->l3);
			s->ipv4[i] = without(without(without(s->ipv4[i], ip + 2), ip + 4), ip + 10);
		}
	}
}

void split_begin(struct split *s, const struct split_input *in)
{
	struct headers *last;
	uint32_t headers, payload;
	bool opaque;

	memset(s, 0, sizeof(*s));
	s->in = *in;
	if (in->vlan_proto && !in->l3 && in->packet.len >= MACS_SIZE)
		s->shift = TAG_SIZE;

	opaque = find_levels(s);
	add_pseudo(s);
	last = &s->level[s->levels ? s->levels - 1 : 0];
	headers = header_size(s, last);
	s->source = min(headers, min(in->packet.len, SPLIT_HEADER_MAX - TAG_SIZE));

	payload = in->packet.wire_len - s->source;
	s->count = 1;
	s->size = payload;
	s->flags = lacks_crc(&in->packet, last) ? SPLIT_CHECKSUM_UNKNOWN : 0;
	if (!in->gso_size || (payload <= in->gso_size && in->gso_size != GSO_BY_FRAGS))
		return;
	if (opaque || s->source < headers || !can_split(in, last)) {
		s->flags |= SPLIT_UNSPLIT;
		return;
	}
	s->flags = SPLIT_SEGMENT;
	add_ipv4(s);
	s->size = in->gso_size;
	s->segments = (payload - 1) / s->size + 1;
	s->count = in->segments ? min(in->segments, s->segments) : s->segments;
	if (last->jumbo)
		remove_jumbo(s, last);
}

/* The headers as captured, with the tag inserted and the jumbo option removed. Returns their size. */
static uint32_t copy_headers(const struct split *s, uint8_t *to)
{
	const uint8_t *from = s->in.packet.at;
	uint32_t done = 0;
	uint8_t *at = to;

	if (s->shift) {
		memcpy(at, from, MACS_SIZE);
		put16(at + MACS_SIZE, s->in.vlan_proto);
		put16(at + MACS_SIZE + 2, s->in.vlan_tci);
		at += MACS_SIZE + TAG_SIZE;
		done = MACS_SIZE;
	}
	if (s->cut) {
		memcpy(at, from + done, s->option - done);
		at += s->option - done;
		at[6 - IPV6_HEADER] = IPPROTO_TCP; /* next header */
		done = s->option + s->cut;
	}
	memcpy(at, from + done, s->source - done);
	return at + s->source - done - to;
}

/* Sets length, ID and checksum in an IP header of segment number index. end: of the segment. */
static void fix_ip(const struct split *s, uint8_t *base, uint32_t level, uint32_t index, uint32_t end)
{
	uint32_t l3 = s->level[level].l3;
	uint8_t *ip = base + l3;
	checksum_t sum = s->ipv4[level];
	uint16_t id = get16(ip + 4);

	if (s->level[level].family == 6) {
		put16(ip + 4, end - l3 - IPV6_HEADER);
		return;
	}
	if (!s->in.received || id || !(get16(ip + 6) & IPV4_DF))
		put16(ip + 4, id + index);
	put16(ip + 2, end - l3);
	sum = checksum_join(sum, checksum_get(ip + 2));
	sum = checksum_join(sum, checksum_get(ip + 4));
	checksum_put(ip + 10, ~checksum_fold(sum));
}

/* Returns SPLIT_CWR_UNKNOWN or 0. */
static uint32_t fix_l4(const struct split *s, uint8_t *base, uint32_t level, uint32_t index, uint32_t end)
{
	const struct headers *h = &s->level[level];
	uint8_t *l4 = base + h->l4;

	if (h->proto == IPPROTO_UDP) {
		put16(l4 + 4, end - h->l4);
	} else if (h->proto == IPPROTO_TCP) {
		put32(l4 + 4, get32(l4 + 4) + index * s->size);
		if (index != s->segments - 1)
			l4[13] &= ~(TCP_FIN | TCP_PSH);
		if (index && l4[13] & TCP_CWR && !(l4[12] & TCP_AE)) {
			l4[13] &= ~TCP_CWR;
			return SPLIT_CWR_UNKNOWN;
		}
	}
	return 0;
}

/*
 * The checksum of one level, whose packet ends at end. A segment's is always computed, as Linux does: that of
 * the GSO packet covered other bytes; likewise if the payload is zeros. Any other packet's only if the field
 * holds a partial sum. Returns SPLIT_CHECKSUM_UNKNOWN or 0.
 */
static uint32_t fix_checksum(const struct split *s, uint8_t *base, uint32_t level, uint32_t header_end,
			     const struct split_packet *packet, uint32_t end)
{
	const struct headers *h = &s->level[level];
	int offset = checksum_field(h->proto);
	uint8_t *l4 = base + h->l4, *field = l4 + offset;
	checksum_t sum;
	uint16_t partial;

	if (offset < 0 || !h->data || h->fragment != FRAGMENT_NONE || header_end < h->data ||
	    end < header_end)
		return 0;
	if (h->proto == IPPROTO_UDP && !checksum_get(field))
		return 0;

	sum = checksum_join(s->pseudo[level], htonl(end - h->l4));
	partial = checksum_fold(sum);
	if (!(s->flags & SPLIT_SEGMENT) && !s->in.zero && checksum_get(field) != partial)
		return 0;
	if (end - header_end > packet->payload_len) {
		checksum_put(field, partial);
		return SPLIT_CHECKSUM_UNKNOWN;
	}
	checksum_put(field, 0);
	/* all headers up to the payload have an even length, so the parts may be summed separately */
	sum = checksum_add(sum, l4, header_end - h->l4);
	sum = checksum_add(sum, packet->payload, end - header_end);
	checksum_complete(field, h->proto == IPPROTO_TCP && s->flags & SPLIT_SEGMENT, sum);
	return 0;
}

/* That of ICMP, which has no pseudo header and is never left to the NIC, before zeros. */
static void fix_icmp(const struct headers *h, uint8_t *base, uint32_t header_end)
{
	uint8_t *l4 = base + h->l4, *field = l4 + 2;

	if (h->proto != IPPROTO_ICMP || !h->l4 || h->fragment != FRAGMENT_NONE || header_end < h->l4 + 4 ||
	    header_end > h->end)
		return;
	checksum_put(field, 0);
	checksum_put(field, ~checksum_fold(checksum_add(0, l4, header_end - h->l4)));
}

/* header_end: an offset as in struct headers, that is without the tag. */
static void fix_headers(const struct split *s, uint8_t *base, uint32_t header_end, uint32_t index,
			struct split_packet *packet)
{
	bool segment = s->flags & SPLIT_SEGMENT;

	/* from the inside out: an outer checksum covers the inner headers */
	for (uint32_t i = s->levels; i-- > 0;) {
		const struct headers *h = &s->level[i];
		uint32_t end = segment ? packet->wire_len - s->shift : h->end;

		if (segment) {
			fix_ip(s, base, i, index, end);
			packet->flags |= fix_l4(s, base, i, index, end);
		}
		packet->flags |= fix_checksum(s, base, i, header_end, packet, end);
	}
	if (s->in.zero)
		fix_icmp(&s->level[0], base, header_end);
}

/* The payload of segment number index, at most *len bytes; sets *len to those available. */
static const uint8_t *find_payload(const struct split *s, uint32_t index, uint32_t *len)
{
	const struct split_input *in = &s->in;
	const uint8_t *from = in->packet.at;
	uint32_t at = s->source, end = in->packet.len, piece;

	if (!index || !in->stride) {
		at += index * s->size;
	} else {
		piece = min((index - 1) * in->stride, in->pieces_len);
		from = in->pieces + piece;
		end = min(in->stride, in->pieces_len - piece);
		at -= min(at, in->pieces_from);
	}
	at = min(at, end);
	*len = min(*len, end - at);
	return from + at;
}

/* What is kept of a packet becomes its header, what follows zeros. */
static void zero_payload(const struct split *s, uint8_t *header, struct split_packet *packet)
{
	uint32_t kept = min(min(s->in.snaplen, SPLIT_HEADER_MAX), packet->wire_len), more;

	if (kept > packet->header_len) {
		more = kept - packet->header_len;
		memset(header + packet->header_len, 0, more);
		memcpy(header + packet->header_len, packet->payload, min(more, packet->payload_len));
	}
	packet->header_len = kept;
	packet->payload = zeros;
	packet->payload_len = min(packet->wire_len - kept, sizeof(zeros));
}

void split_truncate(struct split_packet *packet, uint32_t snaplen)
{
	if (snaplen) {
		packet->header_len = min(packet->header_len, snaplen);
		packet->payload_len = min(packet->payload_len, snaplen - packet->header_len);
	}
	if (packet->header_len + packet->payload_len < packet->wire_len)
		packet->flags |= SPLIT_TRIMMED;
}

/* A packet with its headers as captured, and the length of its payload. */
static void begin_packet(const struct split *s, uint8_t *header, uint32_t payload,
			 struct split_packet *packet)
{
	*packet = (struct split_packet){
		.header = header,
		.header_len = copy_headers(s, header),
		.payload_len = payload,
		.flags = s->flags,
		.l3 = s->shift + s->level[0].l3,
		.family = s->level[0].family,
		.ethernet = !s->in.l3,
	};
	packet->wire_len = packet->header_len + payload;
}

/* Whether Linux numbers the segments as the sender did: from its ID on, or all in a packet without one. */
static bool counts_ids(const struct split *s)
{
	const uint8_t *ip = s->in.packet.at + s->level[0].l3;

	return s->level[0].family == 6 || !s->in.received || get16(ip + 4) || !(get16(ip + 6) & IPV4_DF);
}

/* Linux clears CWR from the second segment on. */
static bool clears_cwr(const struct split *s)
{
	const uint8_t *tcp = s->in.packet.at + s->level[0].l4;

	return s->level[0].proto == IPPROTO_TCP && tcp[13] & TCP_CWR && tcp[12] & TCP_AE;
}

static bool is_whole(const struct split *s)
{
	const struct split_input *in = &s->in;

	return s->flags & SPLIT_SEGMENT && s->count == s->segments && !in->stride && !in->snaplen &&
	       !in->zero && in->packet.len == in->packet.wire_len;
}

bool split_whole(const struct split *s, uint8_t *header, struct split_packet *packet)
{
	const struct headers *h = &s->level[0];
	uint32_t end = s->in.packet.wire_len;
	uint8_t *field;

	/* a virtio_net_hdr does not tell of headers in a tunnel, nor of a jumbo option */
	if (!is_whole(s) || s->levels > 1 || s->cut || end - h->l3 > UINT16_MAX || h->end != end ||
	    !counts_ids(s) || clears_cwr(s))
		return false;
	begin_packet(s, header, end - s->source, packet);
	packet->payload = s->in.packet.at + s->source;
	field = header + s->shift + h->l4 + checksum_field(h->proto);
	checksum_put(field, checksum_fold(checksum_join(s->pseudo[0], htonl(end - h->l4))));
	return true;
}

bool split_next(struct split *s, uint8_t *header, struct split_packet *packet)
{
	const struct capture *c = &s->in.packet;
	uint32_t index = s->next;

	if (index == s->count)
		return false;
	s->next++;

	begin_packet(s, header, min(s->size, c->wire_len - s->source - index * s->size), packet);
	packet->payload = find_payload(s, index, &packet->payload_len);
	/* the first segments, and pieces, are so near the record's start that the ring has prefetched them */
	if (index + 2 < s->count && !s->in.stride && !s->in.zero) {
		uint32_t later_len = s->size;
		const uint8_t *later = find_payload(s, index + 2, &later_len);

		prefetch(later, later_len);
	}
	if (s->in.zero)
		zero_payload(s, header, packet);
	fix_headers(s, header + s->shift, packet->header_len - s->shift, index, packet);

	split_truncate(packet, s->in.zero ? 0 : s->in.snaplen);
	return true;
}
