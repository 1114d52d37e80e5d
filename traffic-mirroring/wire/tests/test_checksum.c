/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "../bytes.h"
#include "wire.h"

static uint8_t bytes[70000];

static uint16_t folded(checksum_t sum)
{
	uint8_t field[2];

	checksum_put(field, checksum_fold(sum));
	return get16(field);
}

/* Every length up to a few words, and every alignment. */
TEST(lengths_and_alignments)
{
	wire_fill(bytes, sizeof(bytes), 3);
	for (size_t at = 0; at < 8; at++)
		for (size_t len = 0; len < 40; len++)
			assert_int_equal(folded(checksum_add(0, bytes + at, len)),
					 wire_sum(0, bytes + at, len));
}

TEST(long_runs)
{
	assert_int_equal(folded(checksum_add(0, bytes, sizeof(bytes))), wire_sum(0, bytes, sizeof(bytes)));
	memset(bytes, 0xff, sizeof(bytes)); /* carries at each word */
	assert_int_equal(folded(checksum_add(0, bytes, sizeof(bytes))), 0xffff);
	assert_int_equal(checksum_fold(0xffffffff00010000), 1); /* carries in the last step but one */
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(folded(checksum_add(0, bytes, sizeof(bytes))), 0);
}

TEST(continued)
{
	wire_fill(bytes, 300, 4);
	for (size_t cut = 0; cut <= 300; cut += 2) {
		checksum_t first = checksum_add(0, bytes, cut);

		assert_int_equal(folded(checksum_add(first, bytes + cut, 300 - cut)),
				 wire_sum(0, bytes, 300));
		assert_int_equal(folded(checksum_join(first, checksum_add(0, bytes + cut, 300 - cut))),
				 wire_sum(0, bytes, 300));
	}
}

TEST(pseudo_header)
{
	static const uint8_t src[16] = { 192, 0, 2, 1, [15] = 1 }, dst[16] = { 192, 0, 2, 2, [15] = 2 };
	uint8_t v4[12] = { 192, 0, 2, 1, 192, 0, 2, 2, 0, 6, 0x12, 0x34 }, v6[40] = { 0 };

	assert_int_equal(folded(checksum_pseudo(4, src, dst, 6, 0x1234)), wire_sum(0, v4, sizeof(v4)));
	memcpy(v6, src, 16);
	memcpy(v6 + 16, dst, 16);
	put32(v6 + 32, 0x12345); /* a jumbogram's */
	v6[39] = 58;
	assert_int_equal(folded(checksum_pseudo(6, src, dst, 58, 0x12345)), wire_sum(0, v6, sizeof(v6)));
}

TEST(completed)
{
	static const struct {
		bool zero;
		uint8_t sum[2];
		uint16_t field;
	} cases[] = {
		{ true, { 0x12, 0x34 }, 0xedcb },
		{ false, { 0x12, 0x34 }, 0xedcb },
		{ true, { 0xff, 0xff }, 0 },
		{ false, { 0xff, 0xff }, 0xffff },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t field[2];

		checksum_complete(field, cases[i].zero, checksum_add(0, cases[i].sum, 2));
		assert_int_equal(get16(field), cases[i].field);
	}
}

TEST(fields)
{
	assert_int_equal(checksum_field(IPPROTO_TCP), 16);
	assert_int_equal(checksum_field(IPPROTO_UDP), 6);
	assert_int_equal(checksum_field(IPPROTO_ICMPV6), 2);
	assert_int_equal(checksum_field(IPPROTO_SCTP), -1);
	assert_int_equal(checksum_field(IPPROTO_ICMP), -1); /* no pseudo header, never left to the NIC */
}

TEST_MAIN(NULL, NULL)
