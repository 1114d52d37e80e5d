/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../pcap.h"

#include <stdlib.h>
#include <string.h>

#include "hex.h"

#define ETHERNET "020000000001 020000000002 0800"
#define IP4 "45000014 00000000 40000000 c0000201 c6336409"
#define IP6 "60000000 00003b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002"
#define PCAP "d4c3b2a1 0200 0400 00000000 00000000 ffff0000"
#define PCAPNG "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"

static struct pcap_reader reader;

static bool opened(const char *hex, uint8_t file[512])
{
	return pcap_open(&reader, file, hex_bytes(hex, file));
}

/* One packet of 34 bytes at 1,000,000,001 µs, in every form that it can have. */
static const char *const forms[] = {
	PCAP "01000000 e8030000 01000000 22000000 22000000" ETHERNET IP4,
	"a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001 000003e8 00000001 00000022 00000022" ETHERNET
		IP4,
	/* nanoseconds */
	"4d3cb2a1 0200 0400 00000000 00000000 ffff0000 01000000 e8030000 e8030000 22000000 22000000" ETHERNET
		IP4,
	PCAPNG "01000000 14000000 0100 0000 00000000 14000000"
	       "06000000 44000000 00000000 00000000 01ca9a3b 22000000 22000000" ETHERNET IP4 "0000 44000000",
	/* big endian, ns, an option and a block that are of no interest */
	"0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
	"00000001 00000028 0001 0000 00000000 0002 0003 61620000 0009 0001 09000000 0000 0000 00000028"
	"00000bad 00000010 01020304 00000010"
	"00000006 00000044 00000000 000000e8 d4a513e8 00000022 00000022" ETHERNET IP4 "0000 00000044",
};

TEST(forms_of_a_packet)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		uint8_t file[512], frame[64], expected[64];
		struct pcap_packet p;

		print_message("form %zu\n", i);
		assert_true(opened(forms[i], file));
		assert_int_equal(pcap_next(&reader, &p), PCAP_PACKET);
		assert_int_equal(p.time_ns, 1000000001000);
		assert_int_equal(p.wire_len, 34);
		assert_int_equal(pcap_frame(&p, frame, sizeof(frame)), 34);
		assert_int_equal(hex_bytes(ETHERNET IP4, expected), 34);
		assert_memory_equal(frame, expected, 34);
		assert_int_equal(pcap_next(&reader, &p), PCAP_END);
	}
}

TEST(simple_packets_have_the_snaplen_of_their_interface)
{
	uint8_t file[512];
	struct pcap_packet p;

	assert_true(opened(PCAPNG "01000000 14000000 0100 0000 10000000 14000000"
				  "03000000 20000000 22000000" ETHERNET "4500 20000000",
			   file));
	assert_int_equal(pcap_next(&reader, &p), PCAP_PACKET);
	assert_int_equal(p.len, 16);
	assert_int_equal(p.wire_len, 34);
}

TEST(other_link_types_get_an_ethernet_header)
{
	static const struct {
		const char *packet;
		int size; /* of the frame, -1: it has none */
		uint16_t link;
		uint8_t type[2];
	} cases[] = {
		{ IP4, 34, 101, { 0x08, 0x00 } },
		{ IP4, 34, 228, { 0x08, 0x00 } },
		{ IP6, 54, 101, { 0x86, 0xdd } },
		{ IP6, 54, 229, { 0x86, 0xdd } },
		{ "0000 0001 0006 0200000000010000 0800" IP4, 34, 113, { 0x08, 0x00 } },
		{ "86dd 0000 00000002 0001 00 06 0200000000010000" IP6, 54, 276, { 0x86, 0xdd } },
		{ "86dd 0000 00000002", 0, 276, { 0 } },
		{ IP4, -1, 105, { 0 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t packet[128], frame[128];
		struct pcap_packet p = { .at = packet, .link = cases[i].link };

		p.len = p.wire_len = hex_bytes(cases[i].packet, packet);
		assert_int_equal(pcap_frame(&p, frame, sizeof(frame)), cases[i].size);
		if (cases[i].size <= 0)
			continue;
		assert_memory_equal(frame + 12, cases[i].type, 2);
		assert_int_equal(p.len, cases[i].size);
		assert_int_equal(p.wire_len, cases[i].size);
	}
}

TEST(only_what_there_is_room_for_is_written)
{
	uint8_t packet[64], frame[64] = { 0 };
	struct pcap_packet p = { .at = packet, .link = 101 };

	p.len = p.wire_len = hex_bytes(IP4, packet);
	assert_int_equal(pcap_frame(&p, frame, 20), 20);
	assert_int_equal(frame[14], 0x45);
	assert_int_equal(frame[20], 0);
}

/* Each is damaged where it ends, or in its last block. */
static const char *const damaged[] = {
	PCAP "01000000 e8030000 01000000 22000000 22000000" ETHERNET,
	PCAP "01000000 e8030000",
	PCAP "01000000 e8030000 01000000 ffffffff ffffffff 00",
	PCAP "01000000 e8030000 01000000 01000000 ffffffff 00",
	"0a0d0d0a 1c000000 4d3c2b1a 0100 0000",
	"0a0d0d0a 1c000000 4d3c2b00 0100 0000 ffffffffffffffff 1c000000",
	PCAPNG "06000000 44000000 00000000 00000000 01ca9a3b 22000000 22000000" ETHERNET IP4 "0000 44000000",
	PCAPNG "03000000 20000000 22000000" ETHERNET "4500 20000000",
	PCAPNG "01000000 14000000 0100 0000 00000000 14000000"
	       "06000000 08000000",
	PCAPNG "01000000 14000000 0100 0000 00000000 14000000"
	       "06000000 0c000000 0c000000",
	PCAPNG "01000000 14000000 0100 0000 00000000 14000000"
	       "06000000 00100000 0c000000",
	/* a resolution of 10^-30 s; an option that is longer than its block */
	PCAPNG "01000000 1c000000 0100 0000 00000000 0900 0100 1e000000 1c000000",
	PCAPNG "01000000 1c000000 0100 0000 00000000 0200 ff00 1e000000 1c000000",
};

TEST(damaged_captures)
{
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		uint8_t file[512];
		struct pcap_packet p;

		print_message("file %zu\n", i);
		assert_true(opened(damaged[i], file));
		assert_int_equal(pcap_next(&reader, &p), PCAP_DAMAGED);
	}
}

TEST(other_files)
{
	uint8_t file[512];

	assert_false(opened("", file));
	assert_false(opened("d4c3b2a1", file));
	assert_false(opened("7f454c46 02010100 00000000 00000000 02003e00 01000000", file));
}

TEST_MAIN(NULL, NULL)
