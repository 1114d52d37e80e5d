/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "same_filter.h"

#include <string.h>

static bool same_prefixes(const struct prefix_list *a, const struct prefix_list *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->at, b->at, a->n * sizeof(*a->at)));
}

static bool same_names(const struct name_list *a, const struct name_list *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->at, b->at, a->n * sizeof(*a->at)));
}

bool same_filter(const struct filter *a, const struct filter *b)
{
	for (enum mirror_dimension dim = 0; dim < DIM_COUNT; dim++) {
		size_t bits;
		const uint64_t *left = filter_bits((struct filter *)a, dim, &bits);

		if (left && memcmp(left, filter_bits((struct filter *)b, dim, &bits), bits / 8))
			return false;
	}
	return a->action == b->action && !strcmp(a->name, b->name) && a->constrained == b->constrained &&
	       !memcmp(a->leg, b->leg, sizeof(a->leg)) && a->sample == b->sample &&
	       a->max_packets == b->max_packets && a->max_bits == b->max_bits && a->first == b->first &&
	       same_names(&a->domain, &b->domain) && same_prefixes(&a->src, &b->src) &&
	       same_prefixes(&a->dst, &b->dst) && a->n_to == b->n_to &&
	       (!a->n_to || !memcmp(a->to, b->to, a->n_to * sizeof(*a->to)));
}
