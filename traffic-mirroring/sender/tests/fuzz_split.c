/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Any bytes as a captured packet, through all that happens to a copy: split, flow, format, oversize. Nothing
 * is read or written beyond its buffer, and the packets that come out add up to what went in.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../../abi/record.h"
#include "../../wire/bytes.h"
#include "../../wire/encap.h"
#include "../../wire/flow.h"
#include "../oversize.h"

static struct flow_fragments fragments;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* Reads every byte, so that the sanitizer sees each of them. */
static void touch(const uint8_t *at, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		(void)*(volatile const uint8_t *)&at[i];
}

static void check_formats(const struct split_packet *p, const struct encap_origin *origin)
{
	for (unsigned int number = FORMAT_NONE + 1; number < FORMAT_COUNT; number++) {
		const struct format *f = format_of(number);

		for (int variant = 0; variant < 4; variant++) {
			struct encap e = { f, f->id_max, f->l3 || variant & 1, variant & 2, 0 };
			const struct oversize_room room = { 100, 200 };
			uint8_t *outer = malloc(ENCAP_MAX);
			uint32_t skip, len;
			int size = encap_build(&e, p, origin, outer, &skip);

			if (size >= 0) {
				touch(outer, size);
				check(skip <= p->header_len);
				len = p->header_len - skip + p->payload_len;
				if (oversize_decide(OVERSIZE_TRUNCATE, &room, size, &len) != COPY_DROPPED)
					check(size + len <= room.path);
				/* a format for IP packets gives one */
				if (e.l3 && p->header_len > skip)
					check(p->header[skip] >> 4 == p->family);
			}
			free(outer);
		}
	}
}

static bool lies_in(const struct split_packet *p, const uint8_t *at, uint32_t len)
{
	return p->payload >= at && p->payload + p->payload_len <= at + len;
}

static void check_payload(const struct split_input *in, const struct split_packet *p)
{
	for (uint32_t i = 0; in->zero && i < p->payload_len; i++)
		check(!p->payload[i]);
	if (in->zero)
		return;
	check(lies_in(p, in->packet.at, in->packet.len) || lies_in(p, in->pieces, in->pieces_len));
	check(!in->snaplen || p->header_len + p->payload_len <= in->snaplen);
}

static void check_packets(const struct split_input *in)
{
	uint8_t *header = malloc(SPLIT_HEADER_MAX);
	uint64_t captured = 0, on_wire = 0;
	struct split_packet p;
	uint32_t packets = 0;
	struct split s;

	split_begin(&s, in);
	flow_hash(&fragments, &in->packet, &s.level[0], 1 + in->packet.wire_len);
	while (split_next(&s, header, &p)) {
		check(p.header == header && p.header_len <= SPLIT_HEADER_MAX);
		check_payload(in, &p);
		check(!(p.flags & SPLIT_TRIMMED) == (p.header_len + p.payload_len == p.wire_len));
		check(p.header_len + p.payload_len <= p.wire_len);
		touch(p.header, p.header_len);
		touch(p.payload, p.payload_len);
		captured += p.payload_len;
		on_wire += p.wire_len - s.shift + s.cut - s.source;
		if (!packets++)
			check_formats(&p, &(struct encap_origin){ 1, 2, 3, true });
	}
	check(packets == split_count(&s));
	check(on_wire == in->packet.wire_len - s.source);
	check(in->snaplen || in->stride || in->zero || captured == in->packet.len - s.source);
	free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct split_input in = { 0 };
	uint8_t *packet, *pieces;

	if (size < 12 || size > 4096)
		return 0;
	in.gso_size = get16(data) % 2000;
	in.snaplen = get16(data + 2) % 600;
	in.vlan_tci = get16(data + 4);
	in.vlan_proto = data[6] & 1 ? 0x8100 : 0;
	in.l3 = data[6] & 2;
	in.received = data[6] & 4;
	in.zero = data[6] & 16;
	in.stride = data[7];
	in.pieces_from = data[10];
	in.packet.len = in.stride && size - 12 > RECORD_HEAD_SIZE ? RECORD_HEAD_SIZE : size - 12;
	in.pieces_len = size - 12 - in.packet.len;
	in.packet.wire_len = size - 12 + (data[6] & 8 ? get16(data + 8) : 0);
	/* copies of the right size, so that the sanitizer sees what lies behind them */
	packet = malloc(in.packet.len);
	pieces = malloc(1 + in.pieces_len); /* there may be none */
	memcpy(packet, data + 12, in.packet.len);
	memcpy(pieces + 1, data + 12 + in.packet.len, in.pieces_len);
	in.packet.at = packet;
	in.pieces = pieces + 1;
	check_packets(&in);
	free(packet);
	free(pieces);
	return 0;
}
