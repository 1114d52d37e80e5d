/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a count rule would send: hand-made sums. */
#include <netinet/in.h>
#include <string.h>

#include "../../../common/tests/unit.h"
#include "../estimate.h"

/* 1,000 packets of 1,000 bytes each in 10 seconds. */
static const struct filter_counts counts = { 1000, 1000000 };

static double bytes_per_packet(uint32_t snaplen, uint32_t trim, const struct delivery *d)
{
	struct mirror_filter row = { .snaplen = snaplen, .trim = trim };
	struct estimate e = estimate_copies(&row, counts, 10, d);

	assert_true(e.packets == 100);
	return e.bits / 8 / 100;
}

TEST(snaplen)
{
	const struct delivery nothing = {};

	assert_true(bytes_per_packet(0, 0, &nothing) == 1000);
	assert_true(bytes_per_packet(128, 0, &nothing) == 128);
	assert_true(bytes_per_packet(2000, 0, &nothing) == 1000);
	assert_true(bytes_per_packet(0, TRIM_HEADERS, &nothing) == 134);
	assert_true(bytes_per_packet(64, TRIM_HEADERS, &nothing) == 198);
	assert_true(bytes_per_packet(0, TRIM_HEADERS | TRIM_ZERO, &nothing) == 1000);
}

TEST(encapsulation)
{
	static const struct {
		enum mirror_format format;
		int family;
		uint32_t metadata;
		int more;
	} cases[] = {
		{ FORMAT_VXLAN, AF_INET, 0, 50 },
		{ FORMAT_VXLAN, AF_INET6, 0, 70 },
		{ FORMAT_GENEVE, AF_INET, 0, 50 },
		{ FORMAT_GENEVE, AF_INET, 1, 78 },
		{ FORMAT_NONE, AF_INET, 0, 46 - 14 },
		{ FORMAT_GRE, AF_INET, 0, 38 },
		{ FORMAT_VLAN, 0, 0, 4 },
		{ FORMAT_DEV, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct delivery d = { .format = cases[i].format,
				      .leg[LEG_METADATA] = { 1, { cases[i].metadata } },
				      .collectors = { .n = cases[i].family != 0 } };

		d.collectors.at[0].address.family = cases[i].family;
		print_message("  case %zu\n", i);
		assert_int_equal(bytes_per_packet(0, 0, &d), 1000 + cases[i].more);
	}
}

TEST(legs)
{
	const struct delivery d = { .format = FORMAT_GRE,
				    .collectors = { .n = 3, .at[1].leg = 1, .at[2].leg = 1 } };
	struct estimate e = estimate_copies(&(struct mirror_filter){}, counts, 10, &d);

	assert_true(e.packets == 200);
	assert_true(e.bits == 200 * (1000 + 38) * 8);
}

TEST(kernel_devices_and_no_time)
{
	struct delivery d = { .collectors = { .n = 1 } };
	struct estimate e = estimate_copies(&(struct mirror_filter){}, counts, 0, &d);

	assert_true(e.packets == 0 && e.bits == 0);
	strcpy(d.tunnel_interface, "vxlan0");
	assert_true(bytes_per_packet(0, 0, &d) == 1000);
}

TEST_MAIN(NULL, NULL)
