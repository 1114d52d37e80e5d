/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../flow.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../../abi/flow_hash.h"
#include "../bytes.h"
#include "wire.h"

#define SECOND 1000000000ULL

static struct flow_fragments fragments;
static uint8_t packet[2000], other[2000], payload[500];

static uint32_t hash_at(const uint8_t *at, uint32_t len, uint64_t time_ns)
{
	struct capture c = { at, len, len };
	struct headers h;

	headers_parse(&c, true, &h);
	return flow_hash(&fragments, &c, &h, time_ns);
}

static uint32_t build(uint8_t family, uint8_t proto, uint8_t *to)
{
	struct recipe r = { .l3 = true, .family = family, .proto = proto, .id = 77 };

	return wire_build(&r, 0, 0, payload, 64, to);
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

static void reverse(uint8_t *at, uint8_t family)
{
	if (family == 4)
		swap(at + 12, at + 16, 4);
	else
		swap(at + 8, at + 24, 16);
	swap(at + (family == 4 ? 20 : 40), at + (family == 4 ? 22 : 42), 2);
}

TEST(both_directions)
{
	for (uint8_t family = 4; family <= 6; family += 2)
		for (int udp = 0; udp < 2; udp++) {
			uint32_t len = build(family, udp ? IPPROTO_UDP : IPPROTO_TCP, packet), hash;

			hash = hash_at(packet, len, 1);
			reverse(packet, family);
			assert_int_equal(hash_at(packet, len, 1), hash);
			packet[family == 4 ? 21 : 41] ^= 1; /* another port */
			assert_int_not_equal(hash_at(packet, len, 1), hash);
		}
}

/* The number that the data path computes: flow_hash.h over what the packet says. */
TEST(same_as_data_path)
{
	uint32_t src[4] = { 0 }, dst[4] = { 0 };

	memcpy(src, (uint8_t[]){ 10, 1, 2, 9 }, 4);
	memcpy(dst, (uint8_t[]){ 10, 1, 3, 9 }, 4);
	assert_int_equal(hash_at(packet, build(4, IPPROTO_TCP, packet), 1),
			 (uint32_t)hash_flow(hash_end(src, 40000), hash_end(dst, 443), IPPROTO_TCP));
}

TEST(without_ports)
{
	uint32_t len = build(4, IPPROTO_ESP, packet), hash = hash_at(packet, len, 1);

	packet[21] ^= 1;
	assert_int_equal(hash_at(packet, len, 1), hash);
}

TEST(not_ip)
{
	memset(packet, 0, 64);
	assert_int_equal(hash_at(packet, 64, 1), hash_at(packet, 20, 1));
}

/* An ICMP error about a packet of the other direction, from a router on the way. */
TEST(icmp_errors)
{
	static const struct {
		uint8_t family, proto, type;
		bool error;
	} cases[] = {
		{ 4, IPPROTO_ICMP, 3, true },	{ 4, IPPROTO_ICMP, 4, true },
		{ 4, IPPROTO_ICMP, 5, true },	{ 4, IPPROTO_ICMP, 11, true },
		{ 4, IPPROTO_ICMP, 12, true },	{ 4, IPPROTO_ICMP, 0, false },
		{ 4, IPPROTO_ICMP, 8, false },	{ 6, IPPROTO_ICMPV6, 1, true },
		{ 6, IPPROTO_ICMPV6, 2, true }, { 6, IPPROTO_ICMPV6, 3, true },
		{ 6, IPPROTO_ICMPV6, 4, true }, { 6, IPPROTO_ICMPV6, 128, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t quoted = build(cases[i].family, IPPROTO_TCP, other),
			 hash = hash_at(other, quoted, 1);
		uint8_t *icmp = packet + (cases[i].family == 4 ? 20 : 40);
		uint32_t len;

		build(cases[i].family, cases[i].proto, packet);
		packet[15]++; /* from somebody else */
		reverse(other, cases[i].family);
		icmp[0] = cases[i].type;
		/* RFC 792 asks for no more than the IP header and 8 bytes */
		quoted = cases[i].family == 4 ? 28 : 48;
		memcpy(icmp + 8, other, quoted);
		len = icmp + 8 + quoted - packet;
		put16(packet + (cases[i].family == 4 ? 2 : 4), cases[i].family == 4 ? len : len - 40);
		if (cases[i].error)
			assert_int_equal(hash_at(packet, len, 1), hash);
		else
			assert_int_not_equal(hash_at(packet, len, 1), hash);
	}
}

static void fragment(uint8_t family, uint16_t id, uint16_t offset)
{
	if (family == 4) {
		put16(packet + 4, id);
		put16(packet + 6, offset | 0x2000);
		return;
	}
	packet[6] = IPPROTO_FRAGMENT;
	memcpy(packet + 40, (uint8_t[]){ IPPROTO_UDP, 0, 0, 0, 0, 0, 0, 0 }, 8);
	put16(packet + 42, offset << 3 | 1);
	put16(packet + 46, id);
}

static uint32_t later(uint32_t len, uint8_t family, uint16_t id, uint64_t time_ns)
{
	fragment(family, id, 3);
	return hash_at(packet, len, time_ns);
}

TEST(fragments_with_their_first)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		uint32_t len = build(family, IPPROTO_UDP, packet), alone, first;

		memset(&fragments, 0, sizeof(fragments));
		alone = later(len, family, 77, SECOND);
		fragment(family, 77, 0);
		memcpy(packet + (family == 4 ? 20 : 48), (uint8_t[]){ 1, 2, 3, 4, 0, 72, 0, 0 }, 8);
		first = hash_at(packet, len, SECOND);
		assert_int_not_equal(first, alone);
		assert_int_equal(later(len, family, 77, SECOND + 1), first);
		assert_int_equal(later(len, family, 77, 30 * SECOND), first);
		assert_int_equal(later(len, family, 77, 31 * SECOND), alone); /* forgotten after 30 s */
		assert_int_equal(later(len, family, 78, SECOND + 1), alone); /* another datagram */
	}
}

/* Of more datagrams than the table holds, most of the latest are still known. */
TEST(oldest_fragment_goes)
{
	uint32_t len = build(4, IPPROTO_UDP, packet), kept = 0, alone;

	memset(&fragments, 0, sizeof(fragments));
	alone = later(len, 4, 0, SECOND);
	for (uint32_t id = 0; id < 20000; id++) {
		fragment(4, id, 0);
		hash_at(packet, len, SECOND + id);
	}
	for (uint32_t id = 18000; id < 20000; id++)
		kept += later(len, 4, id, SECOND + 20000) != alone;
	assert_uint_in_range(kept, 1800, 2000);
}

TEST(ports)
{
	uint32_t seen[16] = { 0 };

	for (uint32_t i = 0; i < 16000; i++) {
		uint32_t port = flow_port(hash_mix(i), 16);

		assert_true(port < 16);
		seen[port]++;
	}
	for (int i = 0; i < 16; i++)
		assert_uint_in_range(seen[i], 850, 1150);
}

TEST_MAIN(NULL, NULL)
