// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../../common/clock.h"
#include "maps.h"
#include "rules.h"

/* Texts of a set's filters. */
struct texts {
	char *of[MIRROR_MAX_FILTERS];
};

static int read_texts(const struct filter_set *set, struct texts *texts)
{
	for (size_t i = 0; i < set->n; i++) {
		texts->of[i] = rule_text(&set->at[i]);
		if (!texts->of[i])
			return -ENOMEM;
	}
	return 0;
}

static void free_texts(struct texts *texts)
{
	for (size_t i = 0; i < MIRROR_MAX_FILTERS; i++)
		free(texts->of[i]);
}

/* a: text; b: the other filter, text. */
static bool same_rule(const struct filter *a, const char *text_a, const struct filter *b, const char *text_b)
{
	return *a->name || *b->name ? !strcmp(a->name, b->name) : !strcmp(text_a, text_b);
}

int counters_keep(const struct filter_set *before, const struct mirror_filter *rows, struct configuration *c)
{
	struct texts old = {}, new = {};
	bool taken[MIRROR_MAX_FILTERS] = {};
	int err = read_texts(before, &old);

	if (!err)
		err = read_texts(c->filters, &new);
	for (size_t i = 0; i < c->filters->n && !err; i++) {
		size_t j = 0;

		while (j < before->n &&
		       (taken[j] || !same_rule(&c->filters->at[i], new.of[i], &before->at[j], old.of[j])))
			j++;
		if (j == before->n)
			continue;
		taken[j] = true;
		c->rows[i].counter = rows[j].counter;
		c->rows[i].since_ns = rows[j].since_ns;
		c->rows[i].base_packets = rows[j].base_packets;
		c->rows[i].base_bytes = rows[j].base_bytes;
	}
	free_texts(&old);
	free_texts(&new);
	return err;
}

/* The filter's own number if it is free: operators look there first. There are twice as many as filters. */
static __u32 free_counter(const bool *used, __u32 number)
{
	__u32 counter = number;

	while (used[counter])
		counter = counter % MIRROR_COUNTERS + 1;
	return counter;
}

/* What is pending then is an earlier rule's, and nobody can write it without losing counts of others. */
static int start_counter(struct tables *t, struct mirror_filter *row, __u32 counter,
			 const struct mirror_pending *pending)
{
	__u64 zero = 0;

	row->counter = counter;
	row->since_ns = clock_ns(CLOCK_MONOTONIC);
	row->base_packets = pending->packets[counter - 1];
	row->base_bytes = pending->bytes[counter - 1];
	if (bpf_map_update_elem(t->fd[MAP_FILTER_PACKETS], &counter, &zero, BPF_ANY) ||
	    bpf_map_update_elem(t->fd[MAP_FILTER_BYTES], &counter, &zero, BPF_ANY))
		return -errno;
	return 0;
}

int counters_give(struct tables *t, struct mirror_filter *rows, size_t n)
{
	const struct mirror_filter *active = &t->filters[tables_config(t).bank * MIRROR_MAX_FILTERS];
	bool used[1 + MIRROR_COUNTERS] = {};
	struct mirror_pending pending;
	int err = tables_pending(t, &pending);

	for (size_t i = 0; i < MIRROR_MAX_FILTERS; i++)
		if (active[i].counter <= MIRROR_COUNTERS)
			used[active[i].counter] = true;
	for (size_t i = 0; i < n && !err; i++) {
		__u32 counter = free_counter(used, i + 1);

		if (rows[i].counter)
			continue;
		used[counter] = true;
		err = start_counter(t, &rows[i], counter, &pending);
	}
	return err;
}
