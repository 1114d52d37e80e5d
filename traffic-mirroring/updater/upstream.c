/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The filter options of the upstream package, in terms of our filters. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "keywords.h"
#include "rules.h"

#define PORTS (1U << DIM_SRC_PORT | 1U << DIM_DST_PORT)
#define ICMP_BITS (UINT64_C(1) << IPPROTO_ICMP | UINT64_C(1) << IPPROTO_ICMPV6) /* of proto[0] */

static void accept_all(struct filter *f, enum mirror_dimension dim)
{
	size_t bits;
	uint64_t *set = filter_bits(f, dim, &bits);

	if (set)
		memset(set, 0, bits / 8);
	else if (dim == DIM_SRC)
		f->src.n = 0;
	else
		f->dst.n = 0;
	f->constrained &= ~(1U << dim);
}

struct list {
	const char *option, *keyword, *text; /* text NULL: not given */
	const char *any[3]; /* an element like this makes the list accept everything */
};

static void read_list(struct reader *r, struct filter *f, const struct list *list)
{
	const struct keyword *k = keyword_find((struct span){ list->keyword, strlen(list->keyword) });
	struct span rest = { list->text, strlen(list->text) }, element;
	bool any = false;

	r->source = list->option;
	f->constrained |= 1U << k->id;
	while (next_element(r, &rest, &element)) {
		element = span_trim(element); /* upstream's lists may have blanks */
		k->read(r, f, k, element);
		for (size_t i = 0; i < sizeof(list->any) / sizeof(list->any[0]) && list->any[i]; i++)
			any |= span_is(element, list->any[i]);
	}
	if (any)
		accept_all(f, k->id);
}

static int read_filter(const struct upstream_filter *o, struct filter *f)
{
	const struct list lists[] = {
		{ "--src-address", "src", o->src_address, { "0.0.0.0", "0.0.0.0/0", "::/0" } },
		{ "--dst-address", "dst", o->dst_address, { "0.0.0.0", "0.0.0.0/0", "::/0" } },
		{ "--src-port", "src-port", o->src_port, { "0" } },
		{ "--dst-port", "dst-port", o->dst_port, { "0" } },
		{ "--protocol", "proto", o->protocol, { NULL } },
		{ "--domain", "domain", o->domain, { NULL } },
	};
	struct reader r = { 0 };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].text)
			read_list(&r, f, &lists[i]);
	prefix_list_reduce(&f->src);
	prefix_list_reduce(&f->dst);
	name_list_reduce(&f->domain);
	return reader_result(&r);
}

int rules_from_upstream(const struct upstream_filter *options, struct filter_set *set)
{
	struct upstream_filter without_ports = *options;
	struct filter *f, *icmp;
	int error;

	if (!options->src_address && !options->dst_address && !options->src_port && !options->dst_port &&
	    !options->protocol && !options->domain)
		return 0;
	f = filter_set_add(set, ACTION_MIRROR);
	if (!f)
		return -ENOSPC;
	error = read_filter(options, f);
	if (error || !(f->constrained & PORTS) || !(f->proto[0] & ICMP_BITS))
		return error;

	/* ICMP has no ports: upstream copies all of it, and applies the ports to other protocols only */
	if (!((f->proto[0] & ~ICMP_BITS) | f->proto[1] | f->proto[2] | f->proto[3])) {
		accept_all(f, DIM_SRC_PORT);
		accept_all(f, DIM_DST_PORT);
		return 0;
	}
	without_ports.src_port = without_ports.dst_port = NULL;
	icmp = filter_set_add(set, ACTION_MIRROR);
	if (!icmp)
		return -ENOSPC;
	error = read_filter(&without_ports, icmp);
	icmp->proto[0] &= ICMP_BITS;
	icmp->proto[1] = icmp->proto[2] = icmp->proto[3] = 0;
	f->proto[0] &= ~ICMP_BITS;
	return error;
}
