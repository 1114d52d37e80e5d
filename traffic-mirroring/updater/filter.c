/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

struct filter_set *filter_set_new(void)
{
	struct filter_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->at = calloc(MIRROR_MAX_FILTERS, sizeof(*set->at));
	if (!set->at) {
		free(set);
		return NULL;
	}
	return set;
}

void filter_set_free(struct filter_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n; i++) {
		free(set->at[i].src.at);
		free(set->at[i].dst.at);
		free(set->at[i].domain.at);
		free(set->at[i].to);
	}
	free(set->at);
	free(set);
}

struct filter *filter_set_add(struct filter_set *set, enum mirror_action action)
{
	struct filter *f;

	if (set->n == MIRROR_MAX_FILTERS)
		return NULL;
	f = &set->at[set->n++];
	f->action = action;
	return f;
}

bool filters_constrain(const struct filter_set *set, enum mirror_dimension dim)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->at[i].constrained & 1U << dim)
			return true;
	return false;
}

void row_set_snaplen(struct mirror_filter *row, uint32_t snaplen)
{
	row->snaplen = snaplen & ~(SNAPLEN_HEADERS | SNAPLEN_ZERO);
	row->trim = (snaplen & SNAPLEN_HEADERS ? TRIM_HEADERS : TRIM_SNAPLEN) |
		    (snaplen & SNAPLEN_ZERO ? TRIM_ZERO : 0);
}

uint32_t row_snaplen(const struct mirror_filter *row)
{
	return row->snaplen | (row->trim & TRIM_HEADERS ? SNAPLEN_HEADERS : 0) |
	       (row->trim & TRIM_ZERO ? SNAPLEN_ZERO : 0);
}

uint32_t row_devices(const struct mirror_filter *row)
{
	if (row->exit != EXIT_DEVICE)
		return row->clone_above ? 1 : 0;
	return row->devices < MIRROR_MAX_DEVICES ? row->devices : MIRROR_MAX_DEVICES;
}

struct mirror_filter filter_row(const struct filter *f)
{
	struct mirror_filter row = { .action = f->action };

	memcpy(row.name, f->name, sizeof(row.name));
	/* a skip has no options */
	if (f->action == ACTION_SKIP)
		return row;
	row.own = (f->n_to ? OWN_DESTINATION : 0) | (f->first ? OWN_FIRST : 0);
	for (int option = 0; option < LEG_OPTIONS; option++)
		row.own |= f->leg[option].n ? OWN_SNAPLEN << option : 0;
	row_set_snaplen(&row, legs_largest_snaplen(&f->leg[LEG_SNAPLEN]));
	row.sample = f->sample;
	row.first = f->first;
	return row;
}

void filter_from_row(struct filter *f, const struct mirror_filter *row)
{
	f->action = row->action;
	memcpy(f->name, row->name, sizeof(f->name));
	if (row->own & OWN_SNAPLEN)
		f->leg[LEG_SNAPLEN] = (struct leg_values){ 1, { row_snaplen(row) } };
	f->sample = row->sample;
	f->first = row->own & OWN_FIRST ? row->first : 0;
}

uint64_t *filter_bits(struct filter *f, enum mirror_dimension dim, size_t *bits)
{
#define SET(ID, name, values, ...) \
	case DIM_##ID:             \
		*bits = values;    \
		return f->name;
	switch (dim) {
		MIRROR_NUMBERS(SET)
	default:
		*bits = 0;
		return NULL;
	}
}

struct prefix_list *filter_prefixes(struct filter *f, enum mirror_dimension dim)
{
	return dim == DIM_SRC ? &f->src : &f->dst;
}

void prefix_clear_past_length(struct prefix *p)
{
	for (unsigned int bit = p->len; bit < 8 * sizeof(p->addr); bit++)
		p->addr[bit / 8] &= ~(0x80 >> bit % 8);
}

int prefix_list_add(struct prefix_list *list, const struct prefix *p)
{
	struct prefix *at = list_grow(list->at, list->n, sizeof(*at));

	if (!at)
		return -ENOMEM;
	list->at = at;
	list->at[list->n++] = *p;
	return 0;
}

int prefix_compare(const void *left, const void *right)
{
	const struct prefix *a = left, *b = right;
	int order = a->family - b->family;

	if (!order)
		order = memcmp(a->addr, b->addr, sizeof(a->addr));
	return order ? order : a->len - b->len;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int bytes = outer->len / 8, rest = outer->len % 8;

	return outer->family == inner->family && !memcmp(outer->addr, inner->addr, bytes) &&
	       (!rest || (outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - rest) == 0);
}

void prefix_list_reduce(struct prefix_list *list)
{
	size_t kept = 1;

	if (list->n < 2)
		return;
	qsort(list->at, list->n, sizeof(*list->at), prefix_compare);
	/* in this order, whatever a prefix covers follows it without a gap */
	for (size_t i = 1; i < list->n; i++)
		if (!prefix_covers(&list->at[kept - 1], &list->at[i]))
			list->at[kept++] = list->at[i];
	list->n = kept;
}
