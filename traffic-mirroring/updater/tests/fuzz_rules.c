/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Any bytes as rules and as each of upstream's options: nothing breaks, and what is accepted is printed as
 * rules that say the same. For libFuzzer; -close_fd_mask=2 hides the many error lines.
 */
#include <stdlib.h>
#include <string.h>

#include "../rules.h"
#include "same_filter.h"

static char *print(const struct filter_set *set)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to || rules_print(to, set) || fclose(to))
		abort();
	return text;
}

static void check_round_trip(const struct filter_set *set)
{
	struct filter_set *again = filter_set_new();
	char *text = print(set);

	if (rules_parse("printed", text, again) || again->n != set->n)
		abort();
	for (size_t i = 0; i < set->n; i++)
		if (!same_filter(&set->at[i], &again->at[i]))
			abort();
	free(text);
	filter_set_free(again);
}

static void as_rules(const char *text)
{
	struct filter_set *set = filter_set_new();

	if (!rules_parse("rules", text, set))
		check_round_trip(set);
	filter_set_free(set);
}

static void as_option(const struct upstream_filter *options)
{
	struct filter_set *set = filter_set_new();

	if (!rules_from_upstream(options, set))
		check_round_trip(set);
	filter_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	as_rules(text);
	as_option(&(struct upstream_filter){ .src_address = text, .dst_port = "80", .protocol = "tcp,icmp" });
	as_option(&(struct upstream_filter){ .dst_port = text });
	as_option(&(struct upstream_filter){ .domain = text, .dst_port = "443" });
	as_option(&(struct upstream_filter){ .src_port = "80", .protocol = text });
	free(text);
	return 0;
}
