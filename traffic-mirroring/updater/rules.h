/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Filters as text: docs/filters.md. Needs no kernel and no privilege. */
#pragma once

#include <stdio.h>

#include "filter.h"

/*
 * Reads rules into an empty set. source: what errors call the text ("rules", a file's name). 0, or -EINVAL /
 * -ENOMEM after log_error("source:line:column: …") of every faulty line (columns count from 1, in bytes). The
 * set must not be used then.
 */
int rules_parse(const char *source, const char *text, struct filter_set *set);

/* The filter as a rule, without a newline; a comment, if no rule can say what it holds. NULL: no memory. */
char *rule_text(const struct filter *f);

/*
 * Writes rules that rules_parse() reads back to the same set: a line a filter, values sorted, ranges joined.
 */
int rules_print(FILE *to, const struct filter_set *set);

/*
 * The one filter that upstream's options describe, as NULL or text each: comma-separated lists, in which
 * 0.0.0.0 (and 0.0.0.0/0, ::/0) as an address and 0 as a port mean any. As upstream copies ICMP whatever its
 * ports, a list of protocols that has icmp or icmpv6 among others next to a port list becomes two filters.
 * Errors as above, naming the option.
 */
struct upstream_filter {
	const char *src_address, *dst_address, *src_port, *dst_port, *protocol, *domain;
};
int rules_from_upstream(const struct upstream_filter *options, struct filter_set *set);
