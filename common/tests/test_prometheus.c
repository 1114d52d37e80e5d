// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "../prometheus.h"
#include "unit.h"

#include <stdlib.h>

TEST(test_format)
{
	static const struct prometheus_label none[] = { { NULL, NULL } },
					     labels[] = { { "iface", "eth0" },
							  { "path", "a\\b \"c\"\nd" },
							  { "bytes", "\xc3\xa9 \xe9\x01 \xe2\x82" },
							  { NULL, NULL } };
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	prometheus_metric(to, "x_total", "counter", "copies sent");
	prometheus_sample(to, "x_total", labels, "%llu", UINT64_MAX + 0ULL);
	prometheus_sample(to, "x_total", none, "%g", 0.5);
	prometheus_sample(to, "x_total", NULL, "%d", 1);
	fclose(to);
	assert_string_equal(text, "# HELP x_total Copies sent.\n"
				  "# TYPE x_total counter\n"
				  "x_total{iface=\"eth0\",path=\"a\\\\b \\\"c\\\"\\nd\",bytes=\"\xc3\xa9 "
				  "\\\\xe9\\\\x01 \\\\xe2\\\\x82\"} 18446744073709551615\n"
				  "x_total 0.5\n"
				  "x_total 1\n");
	free(text);
}

TEST_MAIN(NULL, NULL)
