/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../decap.h"

#include <stdlib.h>
#include <string.h>

#include "../copy.h"
#include "hex.h"
#include "ports.h"

#define MACS "020000000002020000000001 "
#define FRAME4 MACS "0800 " IP4
#define IP4 "4500001c 00000000 40110000 0a000001 0a000002 " UDP
#define IP6 "60000000 0008 1140 20010db8000000000000000000000001 20010db8000000000000000000000002 " UDP
#define UDP "00350036 00080000 "
#define VXLAN "08000000 00002a00 "
#define GENEVE "00006558 00000700 "
/* IPv4 and UDP around a tunnel's len bytes, as hex of the lengths */
#define OUTER(total, port, udp) "4500" total " 00000000 40110000 c0000201 c0000202 d431" port " " udp "0000 "
#define TAGGED(tci) MACS "8100" tci "0800" IP4
#define METADATA "fff10101 03010000 fff10201 000005dc fff10302 0000000000000009 "

struct test_case {
	const char *name;
	enum mirror_format format;
	uint32_t depth;
	const char *hex;
	enum decap_result result;
	uint32_t offset, len;
	bool l3;
	uint32_t vni, wire_len;
	uint64_t time_ns;
	uint8_t filter;
	uint32_t outer_vni; /* 0: the same */
};

static const struct test_case cases[] = {
	{ "GUE variant 0, IPv4", FORMAT_GUE, 3, "00040000" IP4, DECAP_PACKET, 4, 28, true,
	  .vni = DECAP_NO_VNI },
	{ "GUE variant 0, IPv6", FORMAT_GUE, 3, "00290000" IP6, DECAP_PACKET, 4, 48, true,
	  .vni = DECAP_NO_VNI },
	{ "GUE variant 0, flags and their fields", FORMAT_GUE, 3, "01040001 12345678" IP4, DECAP_PACKET, 8,
	  28, true, .vni = DECAP_NO_VNI },
	{ "GUE variant 1, IPv4", FORMAT_GUE, 3, IP4, DECAP_PACKET, 0, 28, true, .vni = DECAP_NO_VNI },
	{ "GUE variant 1, IPv6", FORMAT_GUE, 3, IP6, DECAP_PACKET, 0, 48, true, .vni = DECAP_NO_VNI },
	{ "GUE variant 2", FORMAT_GUE, 3, "80040000" IP4, .result = DECAP_INVALID },
	{ "GUE variant 1, version 5", FORMAT_GUE, 3, "55000000", .result = DECAP_INVALID },
	{ "GUE control", FORMAT_GUE, 3, "20040000" IP4, .result = DECAP_CONTROL },
	{ "GUE, another protocol", FORMAT_GUE, 3, "00060000" IP4, .result = DECAP_INVALID },
	{ "GUE, not what the protocol says", FORMAT_GUE, 3, "0004000000", .result = DECAP_INVALID },
	{ "GUE, empty", FORMAT_GUE, 3, "", .result = DECAP_SHORT },
	{ "GUE, short header", FORMAT_GUE, 3, "000400", .result = DECAP_SHORT },
	{ "GUE, header and nothing else", FORMAT_GUE, 3, "00040000", .result = DECAP_SHORT },
	{ "GUE, fields beyond the end", FORMAT_GUE, 3, "1f040000" IP4, .result = DECAP_SHORT },

	{ "VXLAN", FORMAT_VXLAN, 3, VXLAN FRAME4, DECAP_PACKET, 8, 42, false, .vni = 42 },
	{ "VXLAN, highest VNI", FORMAT_VXLAN, 3, "08000000 ffffffff" FRAME4, DECAP_PACKET, 8, 42, false,
	  .vni = 0xffffff },
	{ "VXLAN without VNI", FORMAT_VXLAN, 3, "00000000 00002a00" FRAME4, .result = DECAP_INVALID },
	{ "VXLAN, short header", FORMAT_VXLAN, 3, "08000000 00002a", .result = DECAP_SHORT },
	{ "VXLAN, short frame", FORMAT_VXLAN, 3, VXLAN MACS "08", .result = DECAP_SHORT },
	{ "VXLAN, smallest frame", FORMAT_VXLAN, 3, VXLAN MACS "0800", DECAP_PACKET, 8, 14, false,
	  .vni = 42 },

	{ "Geneve, frame", FORMAT_GENEVE, 3, GENEVE FRAME4, DECAP_PACKET, 8, 42, false, .vni = 7 },
	{ "Geneve, IPv4", FORMAT_GENEVE, 3, "00000800 00000700" IP4, DECAP_PACKET, 8, 28, true, .vni = 7 },
	{ "Geneve, IPv6", FORMAT_GENEVE, 3, "000086dd 00000700" IP6, DECAP_PACKET, 8, 48, true, .vni = 7 },
	{ "Geneve, our metadata", FORMAT_GENEVE, 3, "07006558 00000700" METADATA FRAME4, DECAP_PACKET, 36, 42,
	  false, 7, 1500, 9, .filter = 3 },
	{ "Geneve, another's option", FORMAT_GENEVE, 3, "03006558 00000700 01080102 0000000000000001" FRAME4,
	  DECAP_PACKET, 20, 42, false, .vni = 7 },
	{ "Geneve, our class with another size", FORMAT_GENEVE, 3,
	  "02006558 00000700 fff10301 00000001" FRAME4, DECAP_PACKET, 16, 42, false, .vni = 7 },
	{ "Geneve, critical option", FORMAT_GENEVE, 3, "01006558 00000700 01088100" FRAME4,
	  .result = DECAP_INVALID },
	{ "Geneve, option beyond the options", FORMAT_GENEVE, 3, "01006558 00000700 01080101 00000000" FRAME4,
	  .result = DECAP_INVALID },
	{ "Geneve, options beyond the end", FORMAT_GENEVE, 3, "3f006558 00000700" FRAME4,
	  .result = DECAP_SHORT },
	{ "Geneve, control", FORMAT_GENEVE, 3, "00806558 00000700" FRAME4, .result = DECAP_CONTROL },
	{ "Geneve, version 1", FORMAT_GENEVE, 3, "40006558 00000700" FRAME4, .result = DECAP_INVALID },
	{ "Geneve, ARP", FORMAT_GENEVE, 3, "00000806 00000700" IP4, .result = DECAP_INVALID },
	{ "Geneve, short", FORMAT_GENEVE, 3, "00006558 000007", .result = DECAP_SHORT },

	{ "GRE, frame", FORMAT_GRE, 3, "00006558" FRAME4, DECAP_PACKET, 4, 42, false, .vni = DECAP_NO_VNI },
	{ "GRE, IPv4", FORMAT_GRE, 3, "00000800" IP4, DECAP_PACKET, 4, 28, true, .vni = DECAP_NO_VNI },
	{ "GRE, IPv6", FORMAT_GRE, 3, "000086dd" IP6, DECAP_PACKET, 4, 48, true, .vni = DECAP_NO_VNI },
	{ "GRE with a key", FORMAT_GRE, 3, "20006558 00000005" FRAME4, DECAP_PACKET, 8, 42, false,
	  .vni = DECAP_NO_VNI },
	{ "GRE with checksum, key and sequence number", FORMAT_GRE, 3,
	  "b0006558 00000000 00000005 00000001" FRAME4, DECAP_PACKET, 16, 42, false, .vni = DECAP_NO_VNI },
	{ "GRE with routing", FORMAT_GRE, 3, "40006558 00000000" FRAME4, .result = DECAP_INVALID },
	{ "GRE version 1", FORMAT_GRE, 3, "00010800" IP4, .result = DECAP_INVALID },
	{ "GRE, ERSPAN's protocol", FORMAT_GRE, 3, "000088be" FRAME4, .result = DECAP_INVALID },
	{ "GRE, fields beyond the end", FORMAT_GRE, 3, "b0006558 0000", .result = DECAP_SHORT },
	{ "GRE, short", FORMAT_GRE, 3, "000065", .result = DECAP_SHORT },

	{ "ERSPAN type II", FORMAT_ERSPAN, 3, "100088be 00000001 10051c07 00000009" FRAME4, DECAP_PACKET, 16,
	  42, false, .vni = 7 },
	{ "ERSPAN type II, highest session", FORMAT_ERSPAN, 3, "100088be 00000001 1000ffff 00000000" FRAME4,
	  DECAP_PACKET, 16, 42, false, .vni = 0x3ff },
	{ "ERSPAN type I", FORMAT_ERSPAN, 3, "000088be" FRAME4, DECAP_PACKET, 4, 42, false,
	  .vni = DECAP_NO_VNI },
	{ "ERSPAN type III", FORMAT_ERSPAN, 3, "100022eb 00000001 20000007 00000000 00000000" FRAME4,
	  .result = DECAP_INVALID },
	{ "ERSPAN, another version", FORMAT_ERSPAN, 3, "100088be 00000001 20000007 00000000" FRAME4,
	  .result = DECAP_INVALID },
	{ "ERSPAN with a key", FORMAT_ERSPAN, 3, "300088be 00000001 10000007 00000000" FRAME4,
	  .result = DECAP_INVALID },
	{ "ERSPAN, short header", FORMAT_ERSPAN, 3, "100088be 00000001 10000007 000000",
	  .result = DECAP_SHORT },
	{ "ERSPAN, short frame", FORMAT_ERSPAN, 3, "000088be" MACS, .result = DECAP_SHORT },

	{ "VLAN", FORMAT_VLAN, 3, TAGGED("0063"), DECAP_PACKET, 4, 42, false, .vni = 99 },
	{ "VLAN, with a priority", FORMAT_VLAN, 3, TAGGED("e063"), DECAP_PACKET, 4, 42, false, .vni = 99 },
	{ "VLAN, no tag", FORMAT_VLAN, 3, FRAME4, .result = DECAP_INVALID },
	{ "VLAN, a tag and nothing else", FORMAT_VLAN, 3, MACS "8100 0063", .result = DECAP_SHORT },
	{ "a device's frame", FORMAT_DEV, 3, FRAME4, DECAP_PACKET, 0, 42, false, .vni = DECAP_NO_VNI },
	{ "a device's frame, short", FORMAT_DEV, 3, MACS "08", .result = DECAP_SHORT },
	{ "VLAN{VXLAN}", FORMAT_VLAN, 3, MACS "8100 0063 0800" OUTER("004e", "12b5", "003a") VXLAN FRAME4,
	  DECAP_PACKET, 54, 42, false, 42, .wire_len = 42, .outer_vni = 99 },

	{ "Geneve{VXLAN}", FORMAT_GENEVE, 3, "00000800 00000500" OUTER("004e", "12b5", "003a") VXLAN FRAME4,
	  DECAP_PACKET, 44, 42, false, 42, .wire_len = 42, .outer_vni = 5 },
	{ "Geneve{VXLAN}, to depth 1", FORMAT_GENEVE, 1,
	  "00000800 00000500" OUTER("004e", "12b5", "003a") VXLAN FRAME4, DECAP_PACKET, 8, 78, true,
	  .vni = 5 },
	{ "Geneve{VXLAN}, cut off: the inner length is known", FORMAT_GENEVE, 3,
	  "00000800 00000500" OUTER("044e", "12b5", "043a") VXLAN FRAME4, DECAP_PACKET, 44, 42, false, 42,
	  .wire_len = 1066, .outer_vni = 5 },
	{ "VXLAN{GUE}: the VNI of the tunnel that has one", FORMAT_VXLAN, 3,
	  VXLAN MACS "0800" OUTER("003c", "17c0", "0028") "00040000" IP4, DECAP_PACKET, 54, 28, true, 42,
	  .wire_len = 28 },
	{ "Geneve{VXLAN{GUE}}", FORMAT_GENEVE, 3,
	  "00000800 00000500" OUTER("006e", "12b5", "005a") VXLAN MACS
	  "0800" OUTER("003c", "17c0", "0028") "00040000" IP4,
	  DECAP_PACKET, 90, 28, true, 42, .wire_len = 28, .outer_vni = 5 },
	{ "Geneve{VXLAN{GUE}}, to depth 2", FORMAT_GENEVE, 2,
	  "00000800 00000500" OUTER("006e", "12b5", "005a") VXLAN MACS
	  "0800" OUTER("003c", "17c0", "0028") "00040000" IP4,
	  DECAP_PACKET, 44, 74, false, 42, .wire_len = 74, .outer_vni = 5 },
	{ "VXLAN's port without VXLAN stays what it is", FORMAT_GENEVE, 3,
	  "00000800 00000500" OUTER("0024", "12b5", "0010") "00000000 00000000", DECAP_PACKET, 8, 36, true,
	  .vni = 5 },
	{ "an inner fragment is not opened", FORMAT_GENEVE, 3,
	  "00000800 00000500 4500004e 00002000 40110000 c0000201 c0000202 d43112b5 003a0000" VXLAN FRAME4,
	  DECAP_PACKET, 8, 78, true, .vni = 5 },
};

static enum decap_result decap(const uint8_t *at, uint32_t len, enum mirror_format format, uint32_t depth,
			       struct decap *d)
{
	const struct capture datagram = { at, len, len };

	return decap_datagram(&datagram, format, &ports, depth, d);
}

TEST(datagrams)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct test_case *c = &cases[i];
		uint8_t bytes[256], *exact;
		uint32_t len = hex_bytes(c->hex, bytes);
		struct decap d;

		print_message("  %s\n", c->name);
		exact = malloc(len); /* so that the sanitizer sees a byte too much */
		memcpy(exact, bytes, len);
		assert_int_equal(decap(exact, len, c->format, c->depth, &d), c->result);
		free(exact);
		if (c->result != DECAP_PACKET)
			continue;
		assert_int_equal(d.offset, c->offset);
		assert_int_equal(d.len, c->len);
		assert_int_equal(d.l3, c->l3);
		assert_int_equal(d.vni, c->vni);
		assert_int_equal(d.outer_vni, c->outer_vni ?: c->vni);
		assert_int_equal(d.wire_len, c->wire_len);
		assert_int_equal(d.time_ns, c->time_ns);
		assert_int_equal(d.filter, c->filter);
		if (c->filter)
			assert_true(d.egress);
	}
}

/* Every beginning of every datagram. */
TEST(cut_off)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[256];
		uint32_t len = hex_bytes(cases[i].hex, bytes);

		for (uint32_t n = 0; n < len; n++) {
			uint8_t *room = malloc(COPY_ROOM + n);
			struct copy p;
			struct decap d;

			memcpy(room + COPY_ROOM, bytes, n);
			if (decap(room + COPY_ROOM, n, cases[i].format, 3, &d) == DECAP_PACKET) {
				assert_true(d.len && d.offset + d.len <= n);
				copy_make(room + COPY_ROOM, &d, &p);
				assert_true(p.frame.wire_len >= p.frame.len);
			}
			free(room);
		}
	}
}

TEST(frames)
{
	static const struct {
		const char *name, *hex, *frame;
		enum mirror_format format;
		uint32_t wire_len;
	} frame_rows[] = {
		{ "IPv4 gets an Ethernet header", IP4, "000000000000 000000000000 0800" IP4, FORMAT_GUE, 42 },
		{ "IPv6 too", "00290000" IP6, "000000000000 000000000000 86dd" IP6, FORMAT_GUE, 62 },
		{ "a frame stays", VXLAN FRAME4, FRAME4, FORMAT_VXLAN, 42 },
		{ "the IP header says the length",
		  VXLAN MACS "0800 450005dc 00000000 40110000 0a000001 0a000002",
		  MACS "0800 450005dc 00000000 40110000 0a000001 0a000002", FORMAT_VXLAN, 1514 },
		{ "padding belongs to the frame", VXLAN FRAME4 "000000", FRAME4 "000000", FORMAT_VXLAN, 45 },
		{ "a tag is taken out", TAGGED("0063"), FRAME4, FORMAT_VLAN, 42 },
		{ "a tag around a tunnel", MACS "8100 0063 0800" OUTER("004e", "12b5", "003a") VXLAN FRAME4,
		  FRAME4, FORMAT_VLAN, 42 },
		{ "the option says the length", "07006558 00000700" METADATA FRAME4, FRAME4, FORMAT_GENEVE,
		  1500 },
	};

	for (size_t i = 0; i < sizeof(frame_rows) / sizeof(*frame_rows); i++) {
		uint8_t bytes[256], frame[256];
		uint32_t len = hex_bytes(frame_rows[i].hex, bytes + COPY_ROOM);
		struct copy p;
		struct decap d;

		print_message("  %s\n", frame_rows[i].name);
		assert_int_equal(decap(bytes + COPY_ROOM, len, frame_rows[i].format, 3, &d), DECAP_PACKET);
		copy_make(bytes + COPY_ROOM, &d, &p);
		assert_int_equal(p.frame.len, hex_bytes(frame_rows[i].frame, frame));
		assert_memory_equal(p.frame.at, frame, p.frame.len);
		assert_int_equal(p.frame.wire_len, frame_rows[i].wire_len);
	}
}

/* A capture with a snaplen: the rest of the datagram is not there, but was on the wire. */
TEST(truncated_datagram)
{
	uint8_t bytes[256];
	const uint32_t len = hex_bytes(VXLAN FRAME4, bytes);
	const struct capture datagram = { bytes, len, len + 1000 };
	struct decap d;

	assert_int_equal(decap_datagram(&datagram, FORMAT_VXLAN, &ports, 3, &d), DECAP_PACKET);
	assert_int_equal(d.len, 42);
	assert_int_equal(d.wire_len, 1042);
}

TEST_MAIN(NULL, NULL)
