/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../encap.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../bytes.h"
#include "wire.h"

enum copy { FRAME_IPV4, FRAME_IPV6, FRAME_TAGGED, FRAME_ARP, BARE_IPV4, BARE_IPV6 };

#define L3 0x80000000 /* the target device has no Ethernet header */
#define METADATA 0x40000000
#define TRIMMED 0x20000000

static uint8_t packet[200], payload[100], header[SPLIT_HEADER_MAX];

static struct split_packet copy_of(enum copy copy, uint32_t snaplen)
{
	struct recipe r = { .family = copy == FRAME_IPV6 || copy == BARE_IPV6 ? 6 : 4, .proto = IPPROTO_UDP };
	struct split_input in = { .packet = { .at = packet }, .snaplen = snaplen };
	struct split_packet p;
	struct split s;

	r.l3 = in.l3 = copy >= BARE_IPV4;
	r.tag[0] = copy == FRAME_TAGGED ? 0xa123 : 0;
	in.packet.len = in.packet.wire_len = wire_build(&r, 0, 0, payload, 20, packet);
	if (copy == FRAME_ARP)
		put16(packet + 12, 0x0806);
	split_begin(&s, &in);
	assert_true(split_next(&s, header, &p));
	return p;
}

TEST(formats)
{
	/* bytes before the copy as text, and how many of the copy's own they replace */
	static const char macs[] = "020000000001020000000002";
	static const struct {
		const char *format;
		enum copy copy;
		uint32_t id;
		const char *outer;
		uint32_t skip;
		bool macs; /* outer starts with the frame's addresses */
	} cases[] = {
		{ "gue", FRAME_IPV4, 0, "00040000", 14, false },
		{ "gue", FRAME_IPV6, 0, "00290000", 14, false },
		{ "gue", FRAME_TAGGED, 0, "00040000", 18, false },
		{ "gue", BARE_IPV6, 0, "00290000", 0, false },
		{ "vxlan", FRAME_IPV4, 0x123456, "0800000012345600", 0, false },
		{ "vxlan", FRAME_ARP, 1, "0800000000000100", 0, false },
		{ "vxlan", BARE_IPV4, 1,
		  "0800000000000100000000000000000000000000"
		  "0800",
		  0, false },
		{ "geneve", FRAME_IPV4, 0x123456, "0000655812345600", 0, false },
		{ "geneve", FRAME_IPV4, 7 | METADATA,
		  "0700655800000700"
		  "fff1010121010000"
		  "fff102010000003e"
		  "fff103020102030405060708",
		  0, false },
		{ "geneve", BARE_IPV4, 7 | METADATA,
		  "0700655800000700"
		  "fff1010121010000"
		  "fff102010000003e"
		  "fff103020102030405060708"
		  "000000000000000000000000"
		  "0800",
		  0, false },
		{ "gre", FRAME_IPV6, 0, "00006558", 0, false },
		{ "gre", BARE_IPV6, 0,
		  "00006558"
		  "000000000000000000000000"
		  "86dd",
		  0, false },
		{ "erspan", FRAME_IPV4, 0x3ff,
		  "100088be00000009"
		  "10001bff0000000b",
		  0, false },
		{ "erspan", FRAME_TAGGED, 5,
		  "100088be00000009"
		  "1123b8050000000b",
		  0, false },
		{ "erspan", FRAME_IPV4, 5 | TRIMMED,
		  "100088be00000009"
		  "10001c050000000b",
		  0, false },
		{ "vlan", FRAME_IPV4, 42, "8100002a0800", 14, true },
		{ "vlan", FRAME_TAGGED, 42, "8100002a8100", 14, true },
		{ "vlan", FRAME_ARP, 42, "8100002a0806", 14, true },
		{ "vlan", BARE_IPV6, 42,
		  "000000000000000000000000"
		  "8100002a86dd",
		  0, false },
		{ "dev", FRAME_ARP, 0, "", 0, false },
		{ "dev", BARE_IPV4, 0,
		  "000000000000000000000000"
		  "0800",
		  0, false },
		{ "dev", FRAME_TAGGED, L3, "", 18, false },
		{ "dev", BARE_IPV4, L3, "", 0, false },
	};
	const struct encap_origin origin = { 0x0102030405060708, 5, 33, true };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct split_packet p = copy_of(cases[i].copy, cases[i].id & TRIMMED ? 60 : 0);
		struct encap e = { .format = format_find(cases[i].format), .sequence = 9 };
		char text[2 * ENCAP_MAX + 1] = "", expected[2 * ENCAP_MAX + 1];
		uint8_t outer[ENCAP_MAX];
		uint32_t skip = ~0U;
		int len;

		print_message("  case %zu: %s\n", i, cases[i].format);
		e.id = cases[i].id & 0xffffff;
		e.l3 = e.format->l3 || cases[i].id & L3;
		e.metadata = cases[i].id & METADATA;
		len = encap_build(&e, &p, &origin, outer, &skip);
		assert_uint_in_range(len, 0, ENCAP_MAX);
		for (int at = 0; at < len; at++)
			snprintf(text + 2 * at, 3, "%02x", outer[at]);
		snprintf(expected, sizeof(expected), "%s%s", cases[i].macs ? macs : "", cases[i].outer);
		assert_string_equal(text, expected);
		assert_int_equal(skip, cases[i].skip);
	}
}

TEST(refused)
{
	static const struct {
		const char *format;
		enum copy copy;
		uint32_t snaplen;
		bool l3;
		int result;
	} cases[] = {
		{ "gue", FRAME_ARP, 0, true, -EPROTONOSUPPORT },
		{ "dev", FRAME_ARP, 0, true, -EPROTONOSUPPORT },
		{ "gue", FRAME_IPV4, 13, true, -EBADMSG },
		{ "vlan", FRAME_IPV4, 13, false, -EBADMSG },
		{ "gue", FRAME_IPV4, 14, true, 4 },
		{ "vxlan", FRAME_IPV4, 1, false, 8 },
	};
	const struct encap_origin origin = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct split_packet p = copy_of(cases[i].copy, cases[i].snaplen);
		struct encap e = { .format = format_find(cases[i].format), .l3 = cases[i].l3 };
		uint8_t outer[ENCAP_MAX];
		uint32_t skip;

		print_message("  case %zu: %s\n", i, cases[i].format);
		assert_int_equal(encap_build(&e, &p, &origin, outer, &skip), cases[i].result);
	}
}

/* A bare packet whose IP header is not known has no EtherType. */
TEST(bare_without_ip)
{
	const struct split_packet p = { .header = header };
	struct encap e = { .format = format_find("vxlan") };
	uint8_t outer[ENCAP_MAX];
	uint32_t skip;

	assert_int_equal(encap_build(&e, &p, &(struct encap_origin){ 0 }, outer, &skip), -EPROTONOSUPPORT);
}

TEST(names_and_ports)
{
	static const struct {
		const char *name;
		uint16_t port;
		enum carrier carrier;
		uint8_t proto;
	} cases[] = {
		{ "gue", 6080, CARRIER_UDP, 17 },    { "vxlan", 4789, CARRIER_UDP, 17 },
		{ "geneve", 6081, CARRIER_UDP, 17 }, { "gre", 0, CARRIER_IP, 47 },
		{ "erspan", 0, CARRIER_IP, 47 },     { "vlan", 0, CARRIER_DEVICE, 0 },
		{ "dev", 0, CARRIER_DEVICE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct format *f = format_find(cases[i].name);

		assert_ptr_equal(f, format_of(i + 1));
		assert_string_equal(f->name, cases[i].name);
		assert_int_equal(f->port, cases[i].port);
		assert_int_equal(f->carrier, cases[i].carrier);
		assert_int_equal(f->proto, cases[i].proto);
	}
	assert_null(format_find("vxla"));
	assert_null(format_find(""));
	assert_null(format_of(FORMAT_NONE));
	assert_null(format_of(FORMAT_COUNT));
}

TEST_MAIN(NULL, NULL)
