// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <limits.h>

#include "../units.h"
#include "unit.h"

TEST(numbers)
{
	static const char *const bad[] = { "",
					   " ",
					   "80abc",
					   "abc",
					   "-1",
					   "+1",
					   " 80",
					   "80 ",
					   "0x50",
					   "8 0",
					   "1e3",
					   "80.0",
					   "65536",
					   "4294967376",
					   "18446744073709551616",
					   "99999999999999999999999" };
	unsigned long n = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		print_message("'%s'\n", bad[i]);
		assert_int_equal(number_parse(bad[i], 0, 65535, &n), -EINVAL);
		assert_int_equal(n, 7);
	}
	assert_int_equal(number_parse("0", 1, 65535, &n), -EINVAL);

	assert_int_equal(number_parse("0", 0, 65535, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse("65535", 1, 65535, &n), 0);
	assert_int_equal(n, 65535);
	assert_int_equal(number_parse("080", 1, 65535, &n), 0);
	assert_int_equal(n, 80);
	assert_int_equal(number_parse("18446744073709551615", 0, ULONG_MAX, &n), 0);
	assert_true(n == ULONG_MAX);
	/* a limit of its own does not make an overflow pass */
	assert_int_equal(number_parse("18446744073709551616", 0, ULONG_MAX, &n), -EINVAL);
}

static const struct unit rates[] = { { "kpps", 1000 }, { "pps", 1 }, {} };

/* What stands in the text, and its shortest text; 0: it is refused. */
static const struct {
	const struct unit *units;
	const char *text;
	unsigned long number;
	const char *shortest;
} rows[] = {
	{ units_size, "10", 10, "10" },
	{ units_size, "16M", 16UL << 20, "16M" },
	{ units_size, "16m", 16UL << 20, "16M" },
	{ units_size, "1024K", 1UL << 20, "1M" },
	{ units_size, "1025K", 1025UL << 10, "1025K" },
	{ units_size, "2T", 2UL << 40, "2T" },
	{ units_size, "4T", 4UL << 40, "4T" }, /* the limit below */
	{ units_size, "5T", 0, NULL },
	{ units_size, "9", 0, NULL },
	{ units_size, "16MB", 0, NULL },
	{ units_size, "16 M", 0, NULL },
	{ units_size, "M", 0, NULL },
	{ units_size, "", 0, NULL },
	{ units_size, "1.5M", 0, NULL },
	{ units_size, "-1M", 0, NULL },
	{ units_size, "16s", 0, NULL },
	{ units_size, "18014398509481985K", 0, NULL }, /* would be 1K after an overflow */
	{ units_size, "000000000000000000000000000000016M", 0, NULL },
	{ units_time, "10", 10, "10s" },
	{ units_time, "90s", 90, "90s" },
	{ units_time, "120s", 120, "2m" },
	{ units_time, "36H", 36 * 3600, "36h" },
	{ units_time, "7d", 7 * 86400, "7d" },
	{ units_time, "5x", 0, NULL },
	{ rates, "100kpps", 100000, "100kpps" },
	{ rates, "1500pps", 1500, "1500pps" },
	{ rates, "2000pps", 2000, "2kpps" },
	{ rates, "100", 0, NULL },
};

TEST(units)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned long number = 7;
		int err = units_parse(rows[i].text, rows[i].units, 10, 4UL << 40, &number);
		char text[UNITS_LEN];

		print_message("\"%s\"\n", rows[i].text);
		assert_int_equal(err, rows[i].shortest ? 0 : -EINVAL);
		assert_int_equal(number, rows[i].shortest ? rows[i].number : 7);
		if (err)
			continue;
		units_print(number, rows[i].units, text);
		assert_string_equal(text, rows[i].shortest);
	}
}

TEST_MAIN(NULL, NULL)
