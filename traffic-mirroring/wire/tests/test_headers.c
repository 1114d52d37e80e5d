/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../headers.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../bytes.h"
#include "wire.h"

static uint8_t packet[2000], payload[500];

/* All of a packet with this many bytes of payload. */
static struct capture built(const struct recipe *r, size_t len)
{
	uint32_t size = wire_build(r, 0, 0, payload, len, packet);

	return (struct capture){ packet, size, size };
}

/* A bare IPv6 header with len bytes, all 0, after it. */
static struct capture built_ipv6(uint8_t next, uint8_t len)
{
	memset(packet, 0, sizeof(packet));
	packet[0] = 0x60;
	packet[5] = len;
	packet[6] = next;
	return (struct capture){ packet, 40 + len, 40 + len };
}

static struct headers parsed(const struct capture *c, bool l3)
{
	struct headers h;

	headers_parse(c, l3, &h);
	return h;
}

static void assert_inner(const struct capture *c, const struct headers *outer, enum inner expected)
{
	struct headers h;

	assert_int_equal(headers_inner(c, outer, &h), expected);
}

TEST(offsets)
{
	static const struct {
		struct recipe recipe;
		uint32_t cut, family, proto, l3, l4, data, end, dst;
	} cases[] = {
		{ { .family = 4, .proto = 6 }, 0, 4, 6, 14, 34, 54, 154, 30 },
		{ { .family = 4, .proto = 6, .l3 = true }, 0, 4, 6, 0, 20, 40, 140, 16 },
		{ { .family = 4, .proto = 17, .tag = { 1 } }, 0, 4, 17, 18, 38, 46, 146, 34 },
		{ { .family = 6, .proto = 6, .tag = { 1, 2 } }, 0, 6, 6, 22, 62, 82, 182, 46 },
		{ { .family = 4, .proto = 6, .ip_options = 3, .tcp_options = 4 }, 0, 4, 6, 14, 46, 82, 182, 30 },
		{ { .family = 6, .proto = 58 }, 0, 6, 58, 14, 54, 58, 162, 38 },
		{ { .family = 6, .proto = 17, .destination_options = true }, 0, 6, 17, 14, 70, 78, 178, 38 },
		{ { .family = 6, .proto = 17, .routing = true }, 0, 6, 17, 14, 78, 86, 186, 62 },
		{ { .family = 6, .proto = 6, .jumbo = true }, 0, 6, 6, 14, 62, 82, 182, 38 },
		{ { .family = 4, .proto = 6, .length_zero = true }, 0, 4, 6, 14, 34, 54, 154, 30 },
		/* cut: what is behind the cut was not seen */
		{ { .family = 4, .proto = 6 }, 53, 4, 6, 14, 34, 0, 154, 30 },
		{ { .family = 4, .proto = 6 }, 33, 0, 0, 0, 0, 0, 0, 0 },
		{ { .family = 4, .proto = 6 }, 13, 0, 0, 0, 0, 0, 0, 0 },
		{ { .family = 6, .proto = 17, .routing = true }, 60, 6, 43, 14, 0, 0, 186, 38 },
		{ { .family = 6, .proto = 17, .routing = true }, 62, 6, 17, 14, 78, 0, 186, 38 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct capture c = built(&cases[i].recipe, 100);
		struct headers h;

		print_message("  case %zu\n", i);
		if (cases[i].cut)
			c.len = cases[i].cut;
		h = parsed(&c, cases[i].recipe.l3);
		assert_int_equal(h.family, cases[i].family);
		assert_int_equal(h.proto, cases[i].proto);
		assert_int_equal(h.l3, cases[i].l3);
		assert_int_equal(h.l4, cases[i].l4);
		assert_int_equal(h.data, cases[i].data);
		assert_int_equal(h.end, cases[i].end);
		assert_int_equal(h.dst, cases[i].dst);
		assert_int_equal(h.fragment, FRAGMENT_NONE);
		assert_int_equal(h.jumbo, cases[i].recipe.jumbo);
	}
}

/* Bytes that are changed in a well-formed packet without Ethernet header, and what is then found. */
TEST(damaged)
{
	static const struct {
		const char *what;
		uint8_t family, at, value, found, data;
	} cases[] = {
		{ "version 5", 4, 0, 0x55, 0, 0 },
		{ "header length under 20 bytes", 4, 0, 0x44, 0, 0 },
		{ "total length under the header's", 4, 3, 19, 0, 0 },
		{ "total length within the TCP header", 4, 3, 39, 4, 0 },
		{ "TCP data offset under 5", 4, 32, 0x40, 4, 0 },
		{ "TCP data offset beyond the packet", 4, 32, 0xf0, 4, 0 },
		{ "extension header beyond the packet", 6, 6, 60, 0, 0 },
		{ "as it was", 4, 0, 0x45, 4, 40 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct recipe r = { .l3 = true, .family = cases[i].family, .proto = IPPROTO_TCP };
		struct capture c = built(&r, 10);
		struct headers h;

		print_message("  %s\n", cases[i].what);
		packet[cases[i].at] = cases[i].value;
		h = parsed(&c, true);
		assert_int_equal(h.family, cases[i].found);
		assert_int_equal(h.data, cases[i].data);
	}
}

TEST(contradicting_ethertype)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_TCP };
	struct capture c = built(&r, 10);

	put16(packet + 12, 0x86dd);
	assert_int_equal(parsed(&c, false).family, 0);
	put16(packet + 12, 0x0806);
	assert_int_equal(parsed(&c, false).family, 0);
}

TEST(fragments)
{
	static const struct {
		uint16_t field;
		enum fragment fragment;
	} v4[] = { { 0x4000, FRAGMENT_NONE },
		   { 0x2000, FRAGMENT_FIRST },
		   { 0x2001, FRAGMENT_LATER },
		   { 0x0001, FRAGMENT_LATER } },
	  v6[] = { { 0, FRAGMENT_NONE }, { 1, FRAGMENT_FIRST }, { 9, FRAGMENT_LATER }, { 8, FRAGMENT_LATER } };
	struct recipe r = { .l3 = true, .family = 4, .proto = IPPROTO_UDP, .id = 0xabcd };
	struct capture c = built(&r, 64);
	struct headers h;

	for (int i = 0; i < 4; i++) {
		put16(packet + 6, v4[i].field);
		h = parsed(&c, true);
		assert_int_equal(h.fragment, v4[i].fragment);
		assert_int_equal(h.id, h.fragment ? 0xabcd : 0);
		assert_int_equal(h.l4, 20);
		assert_int_equal(h.data, h.fragment == FRAGMENT_LATER ? 0 : 28);
	}
	r.family = 6;
	c = built(&r, 64);
	packet[6] = IPPROTO_FRAGMENT;
	for (int i = 0; i < 4; i++) {
		memcpy(packet + 40, (uint8_t[]){ IPPROTO_UDP, 0, 0, v6[i].field, 1, 2, 3, 4 }, 8);
		h = parsed(&c, true);
		assert_int_equal(h.fragment, v6[i].fragment);
		assert_int_equal(h.id, 0x01020304);
		assert_int_equal(h.proto, IPPROTO_UDP);
		assert_int_equal(h.l4, 48);
		assert_int_equal(h.data, h.fragment == FRAGMENT_LATER ? 0 : 56);
	}
}

TEST(nine_extension_headers)
{
	struct capture c = built_ipv6(IPPROTO_DSTOPTS, 9 * 8);

	for (int i = 0; i < 8; i++)
		packet[40 + i * 8] = IPPROTO_DSTOPTS;
	packet[40 + 8 * 8] = IPPROTO_NONE;
	assert_int_equal(parsed(&c, true).family, 6);
	assert_int_equal(parsed(&c, true).l4, 0);
	packet[40 + 7 * 8] = IPPROTO_NONE;
	assert_int_equal(parsed(&c, true).l4, 40 + 8 * 8);
}

TEST(authentication_header)
{
	struct capture c = built_ipv6(IPPROTO_AH, 24 + 8);

	memcpy(packet + 40, (uint8_t[]){ IPPROTO_UDP, 4 }, 2); /* words, less 2 */
	assert_int_equal(parsed(&c, true).proto, IPPROTO_UDP);
	assert_int_equal(parsed(&c, true).l4, 40 + 24);
}

/*
 * Where the pseudo header's destination is, by the routing header's type and segments left, of two addresses.
 */
TEST(routing_headers)
{
	static const struct {
		uint8_t type, left;
		uint32_t dst;
	} cases[] = { { 0, 1, 40 + 24 }, { 4, 1, 40 + 8 }, { 0, 0, 24 }, { 4, 0, 24 }, { 3, 1, 24 } };
	struct capture c = built_ipv6(IPPROTO_ROUTING, 40 + 8);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(packet + 40, (uint8_t[]){ IPPROTO_UDP, 4, cases[i].type, cases[i].left }, 4);
		assert_int_equal(parsed(&c, true).dst, cases[i].dst);
		assert_int_equal(parsed(&c, true).l4, 40 + 40);
	}
}

TEST(inner)
{
	/* offsets of the inner IP header behind the outer IPv4 one at 14 */
	static const uint32_t at[] = { [TUNNEL_VXLAN] = 34 + 8 + 8 + 14,
				       [TUNNEL_VXLAN_GBP] = 34 + 8 + 8 + 14,
				       [TUNNEL_VXLAN_GPE] = 34 + 8 + 8,
				       [TUNNEL_GENEVE] = 34 + 8 + 16 + 18,
				       [TUNNEL_GRE] = 34 + 4,
				       [TUNNEL_GRE_KEY] = 34 + 8 + 14,
				       [TUNNEL_IP] = 34,
				       [TUNNEL_GUE] = 34 + 8 + 4 };

	for (enum tunnel tunnel = TUNNEL_VXLAN; tunnel < TUNNELS; tunnel++) {
		struct recipe r = { .tunnel = tunnel, .outer_family = 4, .family = 6, .proto = IPPROTO_TCP };
		uint32_t shift = tunnel == TUNNEL_GENEVE ? 4 : 0;
		struct headers outer, h;
		struct capture c;

		if (!at[tunnel])
			continue;
		r.tag[0] = shift ? 5 : 0; /* Geneve's inner frame is tagged like the outer one */
		c = built(&r, 100);
		outer = parsed(&c, false);
		assert_int_equal(headers_inner(&c, &outer, &h), INNER_FOUND);
		assert_int_equal(h.family, 6);
		assert_int_equal(h.l3, at[tunnel] + shift);
		assert_int_equal(h.end, c.wire_len);
		c.len = at[tunnel] + shift + 39; /* out of sight */
		assert_inner(&c, &outer, INNER_OPAQUE);
		c.len = c.wire_len;
		put16(packet + at[tunnel] + shift + 4, 1000); /* larger than what it is in */
		assert_inner(&c, &outer, INNER_NONE);
	}
}

/* On any port, if there is a checksum to be computed. */
TEST(guessed)
{
	for (enum tunnel tunnel = TUNNEL_VXLAN; tunnel <= TUNNEL_FOU_GRE; tunnel++) {
		struct recipe r = { .tunnel = tunnel,
				    .outer_family = 4,
				    .outer_port = 12345,
				    .family = 4,
				    .proto = IPPROTO_TCP };
		struct headers outer;
		struct capture c = built(&r, 100);

		outer = parsed(&c, false);
		assert_inner(&c, &outer, INNER_NONE);
		r.partial = true;
		c = built(&r, 100);
		assert_inner(&c, &outer, INNER_FOUND);
		outer.end--; /* more than it is in */
		assert_inner(&c, &outer, INNER_NONE);
		outer.end += 2; /* less */
		assert_inner(&c, &outer, INNER_NONE);
	}
}

TEST(opaque_vxlan)
{
	struct recipe r = { .tunnel = TUNNEL_VXLAN_GPE, .outer_family = 4, .family = 4, .proto = IPPROTO_TCP };
	struct capture c = built(&r, 100);
	struct headers outer = parsed(&c, false);

	packet[45] = 4; /* NSH */
	assert_inner(&c, &outer, INNER_OPAQUE);
	packet[45] = 1;
	assert_inner(&c, &outer, INNER_FOUND);
	packet[43] = 0x20; /* remote checksum */
	assert_inner(&c, &outer, INNER_OPAQUE);
}

TEST(opaque_gre)
{
	static const uint8_t flags[] = { 0x80, 0x40, 0x10, 0x90 };
	struct recipe r = { .tunnel = TUNNEL_GRE_KEY, .outer_family = 4, .family = 4, .proto = IPPROTO_TCP };
	struct capture c = built(&r, 100);
	struct headers outer = parsed(&c, false);

	for (size_t i = 0; i < sizeof(flags); i++) {
		packet[34] = flags[i];
		assert_inner(&c, &outer, INNER_OPAQUE);
	}
	packet[34] = 0x20;
	assert_inner(&c, &outer, INNER_FOUND);
	packet[35] = 1; /* PPTP */
	assert_inner(&c, &outer, INNER_OPAQUE);
	packet[35] = 0;
	outer.fragment = FRAGMENT_FIRST; /* the inner packet is not all here */
	assert_inner(&c, &outer, INNER_NONE);
}

TEST(no_inner)
{
	struct recipe r = { .family = 4, .proto = IPPROTO_UDP };
	struct capture c = built(&r, 100);
	struct headers outer = parsed(&c, false);

	assert_inner(&c, &outer, INNER_NONE);
	put16(packet + 36, 4789); /* the port alone does not make it VXLAN */
	packet[42] = 0;
	assert_inner(&c, &outer, INNER_NONE);
}

/* GUE with anything but a bare header of variant 0 in front of an IP packet. */
TEST(other_gue)
{
	struct recipe r = { .tunnel = TUNNEL_GUE, .outer_family = 4, .family = 4, .proto = IPPROTO_TCP };
	struct capture c = built(&r, 100);
	struct headers outer = parsed(&c, false);

	packet[42] = 0x40; /* variant 1 */
	assert_inner(&c, &outer, INNER_NONE);
	packet[42] = 0x20; /* a control message */
	assert_inner(&c, &outer, INNER_NONE);
	packet[42] = 0;
	packet[44] = 0x80; /* flags */
	assert_inner(&c, &outer, INNER_OPAQUE);
}

TEST_MAIN(NULL, NULL)
