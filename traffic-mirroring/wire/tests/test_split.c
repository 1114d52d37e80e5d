/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../split.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../abi/record.h"
#include "../bytes.h"
#include "wire.h"

#define FIN 0x01
#define PSH 0x08
#define ACK 0x10
#define CWR 0x80

static uint8_t payload[WIRE_MAX], captured[WIRE_MAX], expected[WIRE_MAX], got[WIRE_MAX];

static struct recipe of_segment(const struct recipe *r, uint32_t index, uint32_t count)
{
	struct recipe one = *r;

	one.partial = one.jumbo = one.length_zero = false;
	if (index && !r->accurate_ecn)
		one.tcp_flags &= ~CWR;
	if (index != count - 1)
		one.tcp_flags &= ~(FIN | PSH);
	return one;
}

static uint32_t joined(const struct split_packet *p)
{
	memcpy(got, p->header, p->header_len);
	memcpy(got + p->header_len, p->payload, p->payload_len);
	return p->header_len + p->payload_len;
}

static void put_tag(uint8_t *packet, size_t *len, uint16_t proto, uint16_t tci)
{
	memmove(packet + 16, packet + 12, *len - 12);
	put16(packet + 12, proto);
	put16(packet + 14, tci);
	*len += 4;
}

/*
 * Every segment of a GSO packet with len bytes of payload, byte by byte. first, others: as many bytes of a
 * segment's packet were captured at most; of one that was not captured whole nobody can compute the checksum.
 */
static void compare_split(const struct recipe *r, const struct split_input *in, size_t len, uint32_t first,
			  uint32_t others)
{
	uint32_t gso_size = in->gso_size, count = (len + gso_size - 1) / gso_size;
	uint32_t headers = in->packet.wire_len - len, flags;
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	split_begin(&s, in);
	assert_int_equal(split_count(&s), count);
	for (uint32_t i = 0; i < count; i++) {
		struct recipe one = of_segment(r, i, count);
		size_t from = i * gso_size, n = len - from < gso_size ? len - from : gso_size, wire;

		one.partial = headers + n > (i ? others : first);
		wire = wire_build(&one, i, gso_size, payload + from, n, expected);
		if (in->vlan_proto && !r->l3)
			put_tag(expected, &wire, in->vlan_proto, in->vlan_tci);
		flags = (count > 1 ? SPLIT_SEGMENT : 0) | (one.partial ? SPLIT_CHECKSUM_UNKNOWN : 0) |
			(in->snaplen && in->snaplen < wire ? SPLIT_TRIMMED : 0) |
			((r->tcp_flags ^ one.tcp_flags) & CWR ? SPLIT_CWR_UNKNOWN : 0);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(p.wire_len, wire);
		assert_int_equal(joined(&p), flags & SPLIT_TRIMMED ? in->snaplen : wire);
		assert_memory_equal(got, expected, p.header_len + p.payload_len);
		assert_int_equal(p.flags, flags);
		assert_int_equal(p.ethernet, !r->l3);
		assert_int_equal(p.family, r->tunnel ? r->outer_family : r->family);
		assert_int_equal(p.header[p.l3] >> 4, p.family);
	}
	assert_false(split_next(&s, header, &p));
}

static struct split_input input_of(const struct recipe *r, uint32_t gso_size, size_t len, uint32_t snaplen,
				   uint16_t vlan)
{
	uint32_t whole = wire_build(r, 0, gso_size, payload, len, captured);

	return (struct split_input){
		.packet = { captured, whole, whole },
		.gso_size = gso_size,
		.snaplen = snaplen,
		.l3 = r->l3,
		.vlan_proto = vlan ? 0x8100 : 0,
		.vlan_tci = vlan,
	};
}

/* Only the first segments, which know that others follow them. */
static void compare_first(const struct split_input *all)
{
	uint8_t header[SPLIT_HEADER_MAX], some_header[SPLIT_HEADER_MAX];
	struct split_input in = *all;
	struct split_packet p, some_p;
	struct split s, some;

	split_begin(&s, all);
	in.segments = split_count(&s) / 2;
	if (!in.segments)
		return;
	split_begin(&some, &in);
	assert_int_equal(split_count(&some), in.segments);
	while (split_next(&some, some_header, &some_p)) {
		assert_true(split_next(&s, header, &p));
		assert_int_equal(joined(&p), p.header_len + p.payload_len);
		memcpy(expected, got, p.header_len + p.payload_len);
		assert_int_equal(joined(&some_p), p.header_len + p.payload_len);
		assert_memory_equal(got, expected, p.header_len + p.payload_len);
		assert_int_equal(some_p.flags, p.flags);
	}
	assert_int_equal(s.next, in.segments);
	in.segments = split_count(&s) + 1;
	split_begin(&some, &in);
	assert_int_equal(split_count(&some), split_count(&s));
}

/* Captured whole. */
static void compare(const struct recipe *r, uint32_t gso_size, size_t len, uint32_t snaplen, uint16_t vlan)
{
	const struct split_input in = input_of(r, gso_size, len, snaplen, vlan);

	compare_split(r, &in, len, UINT32_MAX, UINT32_MAX);
	compare_first(&in);
}

/* Captured as the data path does it for a small snaplen (../../abi/record.h). */
static void compare_pieces(const struct recipe *r, uint32_t gso_size, size_t len, uint32_t snaplen,
			   uint16_t vlan)
{
	struct split_input in = input_of(r, gso_size, len, snaplen, vlan);
	uint32_t whole = in.packet.wire_len;
	/* not more than is captured, so that the sanitizer sees what is read beyond it */
	uint8_t *pieces = malloc((whole / gso_size) * snaplen);
	struct headers h;

	headers_parse(&in.packet, r->l3, &h);
	in.packet.len = RECORD_HEAD_SIZE;
	in.pieces = pieces;
	in.pieces_from = h.data;
	in.stride = snaplen > h.data ? snaplen - h.data : 0;
	for (uint32_t from = h.data + gso_size; from < whole; from += gso_size) {
		size_t n = whole - from < in.stride ? whole - from : in.stride;

		memcpy(pieces + in.pieces_len, captured + from, n);
		in.pieces_len += n;
	}
	compare_split(r, &in, len, RECORD_HEAD_SIZE, snaplen);
	free(pieces);
}

static void compare_sizes(const struct recipe *r)
{
	static const size_t lengths[] = { 1, 999, 1000, 1001, 2000, 2001, 64000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		compare(r, 1000, lengths[i], 0, 0);
		compare(r, 1000, lengths[i], 0, 0x6123);
		compare(r, 1000, lengths[i], 96, 0);
		compare(r, 1000, lengths[i], 600, 0x0fff);
	}
	compare(r, 1447, 30001, 0, 5); /* odd */
	compare_pieces(r, 1000, 64000, 128, 0);
	compare_pieces(r, 1000, 64000, RECORD_HEAD_SIZE, 0x6123);
	compare_pieces(r, 1447, 30001, 60, 0);
	for (size_t rest = 1; rest < 140; rest += 3) /* the last segment is there whole, or not */
		compare_pieces(r, 1000, 3000 + rest, 130, rest % 2);
}

TEST(tcp)
{
	struct recipe r = {
		.family = 4, .proto = IPPROTO_TCP, .tcp_flags = FIN | PSH | ACK | CWR, .partial = true
	};

	for (int variant = 0; variant < 64; variant++) {
		r.family = variant & 1 ? 6 : 4;
		r.tcp_options = variant & 2 ? 3 : 0;
		r.l3 = variant & 4;
		r.tag[0] = variant & 8 ? 100 : 0;
		r.tag[1] = variant & 8 && variant & 16 ? 200 : 0;
		r.df = variant & 16;
		r.accurate_ecn = variant & 16;
		r.ip_options = variant & 32 ? 2 : 0;
		r.destination_options = variant & 32;
		r.routing = variant & 32 && variant & 16;
		r.id = 65530; /* wraps */
		compare_sizes(&r);
	}
}

TEST(udp)
{
	struct recipe r = { .proto = IPPROTO_UDP, .partial = true };

	for (r.family = 4; r.family <= 6; r.family += 2)
		compare_sizes(&r);
}

TEST(tunnels)
{
	struct recipe r = { .tcp_flags = PSH | ACK, .id = 7, .outer_id = 1000, .partial = true };

	for (r.tunnel = TUNNEL_VXLAN; r.tunnel < TUNNELS; r.tunnel++)
		for (int variant = 0; variant < 32; variant++) {
			r.family = variant & 1 ? 6 : 4;
			r.outer_family = variant & 2 ? 6 : 4;
			r.outer_checksum = variant & 4;
			r.proto = variant & 8 ? IPPROTO_UDP : IPPROTO_TCP;
			r.outer_port = variant & 16 ? 12345 : 0;
			compare(&r, 1000, 60000, 0, 0);
			compare(&r, 1000, 3001, 0, 11);
			compare(&r, 1000, 900, 0, 0);
			compare(&r, 1000, 3001, 160, 0);
		}
}

TEST(big_tcp)
{
	struct recipe r = { .proto = IPPROTO_TCP, .tcp_flags = ACK, .partial = true };

	r.family = 4;
	r.length_zero = true;
	compare(&r, 1440, 130000, 0, 0);
	r.family = 6;
	r.jumbo = true;
	compare(&r, 1440, 130000, 0, 0);
	compare(&r, 1440, 130000, 100, 3);
}

/* A train of datagrams that happen to be VXLAN packets is split between them, not inside of the first. */
TEST(udp_train_of_tunnel_packets)
{
	struct recipe inner = { .l3 = true, .family = 4, .proto = IPPROTO_UDP };
	struct recipe r = { .family = 4, .proto = IPPROTO_UDP, .partial = true };
	uint8_t *at = payload, saved[5000], header[SPLIT_HEADER_MAX];
	struct split_input in = { .gso_size = 1000 };
	struct split_packet p;
	struct split s;

	memcpy(saved, payload, sizeof(saved));
	for (int i = 0; i < 4; i++, at += 1000) {
		memset(at, 0, 22);
		at[0] = 8;
		put16(at + 20, 0x0800);
		assert_int_equal(wire_build(&inner, 0, 0, saved, 1000 - 22 - 28, at + 22), 1000 - 22);
	}
	in.packet.at = captured;
	in.packet.len = in.packet.wire_len = wire_build(&r, 0, 1000, payload, 4000, captured);
	put16(captured + 36, 4789);
	split_begin(&s, &in);
	assert_int_equal(split_count(&s), 4);
	for (int i = 0; split_next(&s, header, &p); i++) {
		assert_int_equal(p.wire_len, 14 + 28 + 1000);
		assert_int_equal(get16(p.header + 38), 1008);
		assert_ptr_equal(p.payload, captured + 42 + 22 + 28 - 50 + i * 1000);
	}
	memcpy(payload, saved, sizeof(saved));
}

/* One packet: a partial checksum is completed, a right one and a wrong one stay. */
TEST(checksums_of_one)
{
	static const struct {
		uint8_t family, proto, field;
	} cases[] = {
		{ 4, IPPROTO_TCP, 34 + 16 }, { 6, IPPROTO_TCP, 54 + 16 },   { 4, IPPROTO_UDP, 34 + 6 },
		{ 6, IPPROTO_UDP, 54 + 6 },  { 6, IPPROTO_ICMPV6, 54 + 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipe r = { .family = cases[i].family, .proto = cases[i].proto };
		struct split_input in = { .packet = { .at = captured } };
		uint8_t header[SPLIT_HEADER_MAX];
		struct split_packet p;
		struct split s;

		r.partial = true;
		compare(&r, 1400, 501, 0, 0);
		compare(&r, 1400, 501, 70, 9);
		r.partial = false;
		compare(&r, 1400, 501, 0, 0);
		in.packet.len = in.packet.wire_len = wire_build(&r, 0, 0, payload, 501, captured);
		captured[cases[i].field] ^= 0x55;
		split_begin(&s, &in);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(joined(&p), in.packet.len);
		assert_memory_equal(got, captured, in.packet.len);
		assert_int_equal(p.flags, 0);
	}
}

/* A sum that comes out as 0 is sent as 0xffff, except in a TCP segment. */
TEST(sums_of_zero)
{
	static const struct {
		uint8_t proto, field;
		uint32_t gso_size;
		uint16_t sum;
	} cases[] = {
		{ IPPROTO_UDP, 40, 0, 0xffff },
		{ IPPROTO_TCP, 50, 0, 0xffff },
		{ IPPROTO_UDP, 40, 2, 0xffff },
		{ IPPROTO_TCP, 50, 2, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipe r = { .family = 4, .proto = cases[i].proto };
		struct split_input in = { .packet = { .at = captured }, .gso_size = cases[i].gso_size };
		uint8_t header[SPLIT_HEADER_MAX], two[4] = { 0 };
		struct split_packet p;
		struct split s;

		wire_build(&r, 0, cases[i].gso_size, two, 2, captured);
		memcpy(two, captured + cases[i].field,
		       2); /* adding its own complement makes any sum 0xffff */
		r.partial = true;
		in.packet.len =
			wire_build(&r, 0, cases[i].gso_size, two, cases[i].gso_size ? 4 : 2, captured);
		in.packet.wire_len = in.packet.len;
		split_begin(&s, &in);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(get16(p.header + cases[i].field), cases[i].sum);
	}
}

TEST(sctp_without_crc)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_SCTP };
	struct split_input in = { .packet = { .at = captured } };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	in.packet.len = in.packet.wire_len = wire_build(&r, 0, 0, payload, 100, captured);
	for (uint32_t crc = 0; crc < 2; crc++) {
		put32(captured + 34 + 8, crc);
		split_begin(&s, &in);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(p.flags, crc ? 0 : SPLIT_CHECKSUM_UNKNOWN);
		assert_int_equal(joined(&p), in.packet.len);
		assert_memory_equal(got, captured, in.packet.len);
	}
}

TEST(no_udp_checksum)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_UDP, .partial = true };
	struct split_input in = { .packet = { .at = captured } };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	in.packet.len = in.packet.wire_len = wire_build(&r, 0, 0, payload, 100, captured);
	put16(captured + 40, 0);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(get16(p.header + 40), 0);
}

/* Ethernet padding is kept, and is not part of the checksum. */
TEST(padding)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_TCP, .partial = true };
	struct split_input in = { .packet = { .at = captured, .len = 60, .wire_len = 60 } };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	memset(captured, 0xee, 60);
	memset(expected, 0xee, 60);
	wire_build(&r, 0, 0, payload, 1, captured);
	r.partial = false;
	wire_build(&r, 0, 0, payload, 1, expected);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(joined(&p), 60);
	assert_memory_equal(got, expected, 60);
}

/* Only the first bytes were captured: all segments come, each with its headers and its true length. */
TEST(cut_capture)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_TCP, .tcp_flags = ACK, .partial = true };
	struct split_input in = { .packet = { .at = captured }, .gso_size = 1000, .snaplen = 128 };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	in.packet.wire_len = wire_build(&r, 0, 1000, payload, 2500, captured);
	in.packet.len = 54 + 1010;
	split_begin(&s, &in);
	assert_int_equal(split_count(&s), 3);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t lengths[] = { 128, 54 + 10, 54 };
		size_t size = i == 2 ? 500 : 1000;
		struct recipe one = of_segment(&r, i, 3);

		assert_true(split_next(&s, header, &p));
		assert_int_equal(p.wire_len, 54 + size);
		assert_int_equal(joined(&p), lengths[i]);
		one.partial = i > 0; /* not captured whole: the field has the pseudo header's sum */
		wire_build(&one, i, 1000, payload + i * 1000, size, expected);
		assert_memory_equal(got, expected, lengths[i]);
		assert_int_equal(p.flags, SPLIT_SEGMENT | SPLIT_TRIMMED | (i ? SPLIT_CHECKSUM_UNKNOWN : 0));
	}

	/* one packet, cut: a partial checksum stays and is reported, a complete one is no matter */
	in = (struct split_input){ .packet = { captured, 100, 0 } };
	in.packet.wire_len = wire_build(&r, 0, 0, payload, 500, captured);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(p.flags, SPLIT_TRIMMED | SPLIT_CHECKSUM_UNKNOWN);
	assert_int_equal(joined(&p), 100);
	assert_memory_equal(got, captured, 100);
	r.partial = false;
	wire_build(&r, 0, 0, payload, 500, captured);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(p.flags, SPLIT_TRIMMED);
}

/*
 * Whatever the length of the capture: no byte beyond it is read (the sanitizer sees to that), none invented.
 */
TEST(every_cut)
{
	struct recipe r = { .tunnel = TUNNEL_GENEVE,
			    .outer_family = 6,
			    .outer_checksum = true,
			    .family = 6,
			    .proto = IPPROTO_TCP,
			    .destination_options = true,
			    .routing = true,
			    .partial = true };
	size_t whole = wire_build(&r, 0, 100, payload, 300, captured);
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	for (uint32_t len = 0; len <= whole; len++) {
		uint8_t *copy = malloc(len ? len : 1);
		struct split_input in = { .packet = { copy, len, whole }, .gso_size = 100 };
		uint32_t unsplit = 0, packets = 0;

		memcpy(copy, captured, len);
		split_begin(&s, &in);
		while (split_next(&s, header, &p)) {
			joined(&p);
			packets++;
			unsplit |= p.flags & SPLIT_UNSPLIT;
			if (p.flags & SPLIT_UNSPLIT)
				assert_memory_equal(got, captured, p.header_len + p.payload_len);
		}
		assert_int_equal(packets, len < whole - 300 ? 1 : 3);
		assert_int_equal(unsplit, len < whole - 300 ? SPLIT_UNSPLIT : 0);
		free(copy);
	}
}

static void cannot_be_split(const char *what, size_t len, uint32_t gso_size)
{
	struct split_input in = { .packet = { captured, len, len }, .gso_size = gso_size };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	print_message("  %s\n", what);
	split_begin(&s, &in);
	assert_int_equal(split_count(&s), 1);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(p.flags, SPLIT_UNSPLIT);
	assert_int_equal(joined(&p), len);
	assert_memory_equal(got, captured, len);
}

TEST(unsplit)
{
	struct recipe r = { .family = 4, .outer_family = 4, .proto = IPPROTO_TCP };
	size_t len;

	len = wire_build(&r, 0, 1000, payload, 5000, captured);
	captured[23] = IPPROTO_SCTP;
	cannot_be_split("SCTP", len, 1000);
	cannot_be_split("SCTP, as Linux has it", len, 0xffff);
	put16(captured + 12, 0x8847);
	cannot_be_split("not IP", len, 1000);
	wire_build(&r, 0, 1000, payload, 5000, captured);
	put16(captured + 20, 0x2000);
	cannot_be_split("a fragment", len, 1000);
	wire_build(&r, 0, 1000, payload, 5000, captured);
	captured[46] = 4 << 4;
	cannot_be_split("a TCP header under 20 bytes", len, 1000);

	r.proto = IPPROTO_UDP;
	len = wire_build(&r, 0, 1480, payload, 5000, captured);
	cannot_be_split("UFO", len, 1480);
	put16(captured + 40, 0);
	cannot_be_split("a tunnel that nobody knows: UDP without a checksum", len, 1000);
	r.proto = IPPROTO_TCP;

	r.tunnel = TUNNEL_GRE;
	len = wire_build(&r, 0, 1000, payload, 5000, captured);
	captured[34] = 0x10;
	cannot_be_split("GRE with sequence numbers", len, 1000);
	captured[34] = 0x80;
	cannot_be_split("GRE with a checksum", len, 1000);

	r = (struct recipe){ .family = 6, .proto = IPPROTO_TCP, .destination_options = true };
	len = wire_build(&r, 0, 1000, payload, 5000, captured);
	memmove(captured + 54 + 600, captured + 54 + 16, len - 54 - 16);
	captured[55] = 600 / 8 - 1;
	put16(captured + 18, 600 + 20 + 5000);
	cannot_be_split("headers that are too long", len + 600 - 16, 1000);
	r = (struct recipe){ .family = 4, .proto = IPPROTO_TCP };

	/* three tunnels around it: one more than we follow */
	r.tunnel = TUNNEL_NONE;
	r.l3 = true;
	wire_build(&r, 0, 1000, payload, 5000, captured + 60);
	for (int i = 2; i >= 0; i--) {
		memset(captured + i * 20, 0, 20);
		captured[i * 20] = 0x45;
		put16(captured + i * 20 + 2, 5040 + (3 - i) * 20);
		captured[i * 20 + 9] = IPPROTO_IPIP;
	}
	memmove(captured + 14, captured, 5100);
	memset(captured, 0, 12);
	put16(captured + 12, 0x0800);
	cannot_be_split("four IP headers", 14 + 5100, 1000);
}

/* GRO merges datagrams whose senders always write ID 0; Linux itself counts. */
TEST(identification)
{
	static const struct {
		bool received, df;
		uint16_t id, second;
	} cases[] = {
		{ true, true, 0, 0 },  { true, false, 0, 1 },	  { false, true, 0, 1 },
		{ true, true, 9, 10 }, { true, true, 0xffff, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipe r = { .family = 4, .proto = IPPROTO_TCP, .df = cases[i].df, .id = cases[i].id };
		struct split_input in = { .packet = { .at = captured }, .gso_size = 100 };
		uint8_t header[SPLIT_HEADER_MAX];
		struct split_packet p;
		struct split s;

		in.received = cases[i].received;
		in.packet.len = in.packet.wire_len = wire_build(&r, 0, 100, payload, 200, captured);
		split_begin(&s, &in);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(get16(p.header + 18), cases[i].id);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(get16(p.header + 18), cases[i].second);
		assert_int_equal(wire_sum(0, p.header + 14, 20), 0xffff);
	}
}

/*
 * The payload as zeros: the packets that the wire carries for a payload of zeros, whether more than the
 * headers was captured or not.
 */
static void compare_zeros(const struct recipe *r, size_t len, uint16_t vlan, bool all)
{
	static const uint8_t zeros[WIRE_MAX];
	const uint32_t gso_size = 1000, count = (len + gso_size - 1) / gso_size;
	struct split_input in = input_of(r, gso_size, len, 0, vlan);
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	in.zero = true;
	in.gso_size = count > 1 ? gso_size : 0;
	in.packet.len -= all ? 0 : len;
	split_begin(&s, &in);
	s.in.snaplen = in.packet.wire_len - len + s.shift - s.cut;
	for (uint32_t i = 0; i < count; i++) {
		struct recipe one = of_segment(r, i, count);
		size_t n = len - i * gso_size < gso_size ? len - i * gso_size : gso_size, wire;

		wire = wire_build(&one, i, gso_size, zeros, n, expected);
		if (s.shift)
			put_tag(expected, &wire, in.vlan_proto, in.vlan_tci);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(p.wire_len, wire);
		assert_int_equal(p.header_len, s.in.snaplen);
		assert_int_equal(joined(&p), wire);
		assert_memory_equal(got, expected, wire);
		assert_int_equal(p.flags, count > 1 ? SPLIT_SEGMENT : 0);
	}
	assert_false(split_next(&s, header, &p));
}

TEST(zeros)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 };
	struct recipe r = { .tcp_flags = ACK };

	for (int variant = 0; variant < 96; variant++) {
		r.family = variant & 1 ? 6 : 4;
		r.proto = protocols[variant / 32];
		if (r.proto == IPPROTO_ICMPV6 && r.family == 4)
			continue;
		r.l3 = variant & 2;
		r.partial = variant & 4;
		compare_zeros(&r, 1, 0, true);
		compare_zeros(&r, 999, variant & 8 ? 0x6123 : 0, variant & 16);
		r.partial = true;
		if (r.proto != IPPROTO_ICMPV6)
			compare_zeros(&r, 30001, variant & 8 ? 0x6123 : 0, variant & 16);
	}
	r = (struct recipe){ .family = 6, .proto = IPPROTO_TCP, .jumbo = true, .partial = true };
	compare_zeros(&r, 130000, 0, true);
}

/* Nothing of a tunnel's inner packet is left, also in segments, and the outer checksum is right. */
TEST(zeros_in_tunnels)
{
	struct recipe r = { .tunnel = TUNNEL_VXLAN,
			    .outer_family = 6,
			    .outer_checksum = true,
			    .family = 4,
			    .proto = IPPROTO_TCP,
			    .partial = true };
	struct split_input in = input_of(&r, 1000, 3001, 14 + 40 + 8, 0);
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct headers h;
	struct split s;

	in.zero = true;
	split_begin(&s, &in);
	assert_int_equal(split_count(&s), 4);
	while (split_next(&s, header, &p)) {
		uint32_t len = joined(&p), pseudo;

		assert_int_equal(len, p.wire_len);
		headers_parse(&(struct capture){ got, len, len }, false, &h);
		assert_int_equal(h.end, len);
		assert_int_equal(h.data, in.snaplen);
		for (uint32_t i = h.data; i < len; i++)
			assert_int_equal(got[i], 0);
		pseudo = wire_sum(len - h.l4 + IPPROTO_UDP, got + h.src, 32);
		assert_int_equal(wire_sum(pseudo, got + h.l4, len - h.l4), 0xffff);
	}
}

/* Of ICMP, and of what is not IP, more is kept than what this file takes for headers. */
TEST(zeros_after_other_headers)
{
	static const uint8_t zeros[WIRE_MAX];
	struct recipe r = { .family = 4, .proto = IPPROTO_SCTP };
	uint32_t wire = wire_build(&r, 0, 0, payload, 101, captured);
	struct split_input in = { .packet = { captured, 40, wire }, .snaplen = 42, .zero = true };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	put16(captured + 40, 0); /* as it was not captured */
	memset(header, 0xee, sizeof(header));
	captured[23] = IPPROTO_ICMP;
	for (int not_ip = 0; not_ip < 2; not_ip++) {
		captured[12] = not_ip ? 0x88 : 0x08;
		split_begin(&s, &in);
		assert_true(split_next(&s, header, &p));
		assert_int_equal(joined(&p), wire);
		assert_memory_equal(got, captured, not_ip ? 42 : 36);
		assert_memory_equal(got + 38, captured + 38, 4);
		assert_memory_equal(got + 42, zeros, wire - 42);
		if (!not_ip)
			assert_int_equal(wire_sum(0, got + 34, wire - 34), 0xffff);
	}
}

/* What split_whole() makes is what was captured, with the tag in it and the sum that Linux starts with. */
TEST(whole)
{
	struct recipe r = { .partial = true };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	for (int variant = 0; variant < 32; variant++) {
		struct split_input in;
		size_t len;
		uint8_t *sum;

		r.family = variant & 1 ? 6 : 4;
		r.proto = variant & 2 ? IPPROTO_UDP : IPPROTO_TCP;
		r.tcp_flags = variant & 4 ? FIN | PSH | CWR : ACK;
		r.tag[0] = variant & 4 ? 100 : 0;
		r.l3 = variant & 8;
		in = input_of(&r, 1000, 60001, 0, variant & 16);
		split_begin(&s, &in);
		len = in.packet.len;
		memcpy(expected, captured, len);
		if (in.vlan_proto && !r.l3)
			put_tag(expected, &len, in.vlan_proto, in.vlan_tci);
		sum = captured + s.level[0].l4 + (r.proto == IPPROTO_UDP ? 6 : 16);
		put16(sum, get16(sum) + 1); /* of hardware that leaves another one */
		assert_true(split_whole(&s, header, &p));
		assert_int_equal(p.wire_len, len);
		assert_int_equal(joined(&p), len);
		assert_memory_equal(got, expected, len);
	}
}

static bool goes_whole(const struct recipe *r, size_t len, struct split_input in)
{
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	in.packet.at = captured;
	in.packet.wire_len = wire_build(r, 0, 1000, payload, len, captured);
	in.packet.len = in.packet.len ?: in.packet.wire_len;
	in.gso_size = in.gso_size ?: 1000;
	split_begin(&s, &in);
	return split_whole(&s, header, &p);
}

/* Linux would make other segments of it, or cannot. */
TEST(not_whole)
{
	const struct recipe tcp = { .family = 4, .proto = IPPROTO_TCP, .df = true, .partial = true };
	struct recipe r = tcp;

	assert_true(goes_whole(&r, 3000, (struct split_input){}));
	assert_true(goes_whole(&r, 3000, (struct split_input){ .segments = 3 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .segments = 2 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .snaplen = 128 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .stride = 64 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .packet.len = 3000 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .gso_size = 4000 }));
	assert_false(goes_whole(&r, 3000, (struct split_input){ .received = true }));
	r.id = 1;
	assert_true(goes_whole(&r, 3000, (struct split_input){ .received = true }));
	r.tcp_flags = CWR;
	assert_true(goes_whole(&r, 3000, (struct split_input){}));
	r.accurate_ecn = true;
	assert_false(goes_whole(&r, 3000, (struct split_input){}));
	r = tcp;
	r.tunnel = TUNNEL_VXLAN;
	r.outer_family = 4;
	assert_false(goes_whole(&r, 3000, (struct split_input){}));
	r = tcp;
	r.length_zero = true;
	assert_false(goes_whole(&r, 70000, (struct split_input){}));
	r = tcp;
	r.family = 6;
	r.jumbo = true;
	assert_false(goes_whole(&r, 70000, (struct split_input){}));
	r.proto = IPPROTO_SCTP;
	r.jumbo = false;
	assert_false(goes_whole(&r, 3000, (struct split_input){}));
}

TEST(not_ip)
{
	struct split_input in = { .packet = { captured, 60, 60 }, .vlan_proto = 0x88a8, .vlan_tci = 0x2005 };
	uint8_t header[SPLIT_HEADER_MAX];
	struct split_packet p;
	struct split s;

	memcpy(captured, payload, 60);
	put16(captured + 12, 0x0806);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	assert_int_equal(p.family, 0);
	assert_int_equal(p.wire_len, 64);
	assert_int_equal(joined(&p), 64);
	assert_memory_equal(got, captured, 12);
	assert_int_equal(get32(got + 12), 0x88a82005);
	assert_memory_equal(got + 16, captured + 12, 48);
}

FIXTURE(fill)
{
	wire_fill(payload, sizeof(payload), 1);
	return 0;
}

TEST_MAIN(fill, NULL)
