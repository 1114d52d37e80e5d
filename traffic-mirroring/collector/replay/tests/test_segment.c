/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../../common/tests/unit.h"
#include "../segment.h"

#include <string.h>

#include "../../../wire/tests/hex.h"

#define IP4 "4500002b00004000 4006b6c9 c0000201 c0000202 "
#define IP4_EMPTY "4500002800004000 4006b6cc c0000201 c0000202 "
#define IP6 "60000000 0017 0640 20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define TCP(flags, sum) "30390050 00000064 000003e8 50" flags "ffff " sum "0000 "

TEST(segments)
{
	static const struct {
		const char *name, *hex;
		uint32_t cut; /* bytes that were not copied */
		enum segment_result result;
		bool valid;
		uint32_t len, wire_len;
	} cases[] = {
		{ "IPv4", IP4 TCP("18", "5bab") "474554", 0, SEGMENT_FOUND, true, 3, 3 },
		{ "IPv6", IP6 TCP("18", "843a") "474554", 0, SEGMENT_FOUND, true, 3, 3 },
		{ "padded", IP4 TCP("18", "5bab") "474554 000000", 0, SEGMENT_FOUND, true, 3, 3 },
		{ "a wrong checksum", IP4 TCP("18", "5baa") "474554", 0, SEGMENT_FOUND, false, 3, 3 },
		{ "a checksum left to the NIC", IP4 TCP("18", "8421") "474554", 0, SEGMENT_FOUND, true, 3,
		  3 },
		{ "a wrong checksum, IPv6", IP6 TCP("18", "843b") "474554", 0, SEGMENT_FOUND, false, 3, 3 },
		{ "cut: nobody can tell", IP4 TCP("18", "0000") "474554", 2, SEGMENT_FOUND, true, 1, 3 },
		{ "SYN", IP4_EMPTY TCP("02", "f709"), 0, SEGMENT_FOUND, true, 0, 0 },
		{ "SYN and FIN", IP4_EMPTY TCP("03", "f708"), 0, SEGMENT_FOUND, false, 0, 0 },
		{ "neither ACK nor SYN nor RST", IP4_EMPTY TCP("08", "f703"), 0, SEGMENT_FOUND, false, 0, 0 },
		{ "cut within the header", IP4 TCP("18", "5bab") "474554", 4, .result = SEGMENT_NONE },
		{ "UDP", "4500001c 00000000 4011 0000 c0000201 c0000202 00350036 00080000",
		  .result = SEGMENT_NONE },
		{ "a fragment", "4500002b00002000 4006b6c9 c0000201 c0000202 " TCP("18", "5bab") "474554",
		  .result = SEGMENT_FRAGMENT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct decap d = { .l3 = true, .vni = 7 };
		uint8_t bytes[COPY_ROOM + 128];
		struct decap cut = d;
		struct copy p;
		struct segment s;

		print_message("  %s\n", cases[i].name);
		cut.len = hex_bytes(cases[i].hex, bytes + COPY_ROOM) - cases[i].cut;
		copy_make(bytes + COPY_ROOM, &cut, &p);
		assert_int_equal(segment_find(&p, &s), cases[i].result);
		if (cases[i].result != SEGMENT_FOUND)
			continue;
		assert_int_equal(segment_valid(&p, &s), cases[i].valid);
		assert_int_equal(s.len, cases[i].len);
		assert_int_equal(s.wire_len, cases[i].wire_len);
		assert_int_equal(s.seq, 100);
		assert_int_equal(s.ack, 1000);
		assert_int_equal(s.key.vni, 7);
		assert_int_equal(s.key.src_port, 12345);
		assert_int_equal(s.key.dst_port, 80);
		assert_memory_equal(s.payload, "GET", s.len);
	}
}

TEST_MAIN(NULL, NULL)
