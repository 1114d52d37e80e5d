/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../oversize.h"

#include <stdio.h>

TEST(decisions)
{
	static const struct {
		enum mirror_oversize policy;
		struct oversize_room room;
		uint32_t outer, len;
		enum oversize_verdict verdict;
		uint32_t left;
	} cases[] = {
		/* IPv4 and UDP on a path with MTU 1500, VXLAN */
		{ OVERSIZE_TRUNCATE, { 1472, 65507 }, 8, 1464, COPY_FITS, 1464 },
		{ OVERSIZE_DROP, { 1472, 65507 }, 8, 1464, COPY_FITS, 1464 },
		{ OVERSIZE_FRAGMENT, { 1472, 65507 }, 8, 1464, COPY_FITS, 1464 },
		{ OVERSIZE_TRUNCATE, { 1472, 65507 }, 8, 1465, COPY_TRUNCATED, 1464 },
		{ OVERSIZE_DROP, { 1472, 65507 }, 8, 1465, COPY_DROPPED, 1465 },
		{ OVERSIZE_FRAGMENT, { 1472, 65507 }, 8, 1465, COPY_FRAGMENTED, 1465 },
		/* the largest datagram there is, and one byte more */
		{ OVERSIZE_FRAGMENT, { 1472, 65507 }, 8, 65499, COPY_FRAGMENTED, 65499 },
		{ OVERSIZE_FRAGMENT, { 1472, 65507 }, 8, 65500, COPY_TRUNCATED, 65499 },
		/* a device: nothing fragments */
		{ OVERSIZE_FRAGMENT, { 1514, 1514 }, 0, 1515, COPY_TRUNCATED, 1514 },
		/* no room for a single byte */
		{ OVERSIZE_TRUNCATE, { 8, 65507 }, 8, 100, COPY_DROPPED, 100 },
		{ OVERSIZE_TRUNCATE, { 9, 65507 }, 8, 100, COPY_TRUNCATED, 1 },
		{ OVERSIZE_TRUNCATE, { 0, 65507 }, 8, 100, COPY_DROPPED, 100 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t len = cases[i].len;

		print_message("  case %zu\n", i);
		assert_int_equal(oversize_decide(cases[i].policy, &cases[i].room, cases[i].outer, &len),
				 cases[i].verdict);
		assert_int_equal(len, cases[i].left);
	}
}

TEST_MAIN(NULL, NULL)
