// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The configuration in force, read back from the maps: what the data path does is what is shown, also after
 * somebody edited a table with bpftool.
 */
#include "readback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../host/collector.h"
#include "groups.h"

int read_prefixes(const struct tables *t, const struct address_table *table, struct prefix_entry **entries,
		  size_t *n)
{
	int fd = t->fd[table->map];
	struct mirror_key6 key, next;
	struct mirror_words words;
	size_t room = 0;
	void *previous = NULL;

	*entries = NULL;
	*n = 0;
	while (!bpf_map_get_next_key(fd, previous, &next)) {
		struct prefix_entry *e;

		key = next;
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &words))
			continue;
		if (*n == room) {
			room = room ? room * 2 : 64;
			e = realloc(*entries, room * sizeof(*e));
			if (!e) {
				free(*entries);
				*entries = NULL;
				return -ENOMEM;
			}
			*entries = e;
		}
		e = &(*entries)[(*n)++];
		*e = (struct prefix_entry){ .prefix = { .family = table->family, .len = key.prefix_len },
					    .held = true };
		memcpy(e->prefix.addr, key.addr, table->family == 4 ? 4 : 16);
		/* the kernel keeps what a key of bpftool's had there */
		prefix_clear_past_length(&e->prefix);
		memcpy(e->word, words.bank, sizeof(e->word));
	}
	return 0;
}

size_t read_outers(const struct tables *t, struct mirror_outer outers[MIRROR_MAX_OUTERS])
{
	void *previous = NULL;
	size_t n = 0;

	while (n < MIRROR_MAX_OUTERS && !bpf_map_get_next_key(t->fd[MAP_OUTERS], previous, &outers[n]))
		previous = &outers[n++];
	return n;
}

/* A filter names a prefix itself where the next shorter one does not already bring it along. */
static int read_addresses(const struct tables *t, const struct address_table *table, unsigned int bank,
			  struct filter_set *filters)
{
	struct prefix_entry *entries;
	size_t n;
	int err = read_prefixes(t, table, &entries, &n);

	if (err || !n)
		return err;
	/* as if the other bank were to be written: the words of this one stay, and parents are found */
	prefixes_merge(entries, &n, !bank);
	for (size_t i = 0; i < n && !err; i++) {
		uint64_t inherited = entries[i].parent == NO_PARENT ? 0 :
								      entries[entries[i].parent].word[bank];

		for (size_t f = 0; f < filters->n && !err; f++) {
			bool own = (entries[i].word[bank] & ~inherited) >> f & 1;

			if (own && filters->at[f].constrained & 1U << table->dim)
				err = prefix_list_add(filter_prefixes(&filters->at[f], table->dim),
						      &entries[i].prefix);
		}
	}
	free(entries);
	return err;
}

static void read_dimension(const struct tables *t, enum mirror_dimension dim, unsigned int bank,
			   struct filter_set *filters)
{
	const struct mirror_words *table = t->numbers[dim];
	uint64_t used = 0;
	size_t values = 0;

	for (size_t f = 0; f < filters->n; f++)
		if (filters->at[f].constrained & 1U << dim)
			used |= UINT64_C(1) << f;
	if (!used)
		return;
	filter_bits(&filters->at[0], dim, &values);
	for (size_t v = 0; v < values; v++)
		for (uint64_t word = table[v].bank[bank] & used; word; word &= word - 1)
			bits_set(filter_bits(&filters->at[__builtin_ctzll(word)], dim, &values), v);
}

static int read_destinations(const struct mirror_filter *row, const struct mirror_group *group,
			     struct filter *f)
{
	size_t n = row->exit == EXIT_RING ? group->collectors : row->devices;

	if (!n || n > MIRROR_MAX_COLLECTORS)
		return 0;
	f->to = calloc(n, sizeof(*f->to));
	if (!f->to)
		return -ENOMEM;
	for (f->n_to = 0; f->n_to < n; f->n_to++) {
		struct destination *to = &f->to[f->n_to];

		if (row->exit == EXIT_RING) {
			collector_print(&group->collector[f->n_to], to->text);
			/* a damaged one prints "none": a device, which is not there */
			if (group->collector[f->n_to].format < FORMAT_COUNT)
				to->collector = group->collector[f->n_to];
		} else if (f->n_to < MIRROR_MAX_DEVICES) {
			memcpy(to->text, row->device[f->n_to].name, MIRROR_NAME_LEN);
		}
	}
	return 0;
}

static int read_rows(const struct tables *t, unsigned int bank, struct configuration *c)
{
	const struct mirror_bank *b = &t->banks[bank];
	int err = 0;

	for (size_t i = 0; i < MIRROR_MAX_FILTERS && b->filters >> i & 1 && !err; i++) {
		const struct mirror_filter *row = &t->filters[bank * MIRROR_MAX_FILTERS + i];
		struct filter *f = filter_set_add(c->filters, row->action);

		if (!f)
			return -ENOMEM;
		c->rows[i] = *row;
		filter_from_row(f, row);
		for (int dim = 0; dim < DIM_COUNT; dim++)
			if (!(b->any[dim] >> i & 1))
				f->constrained |= 1U << dim;
		if (row->exit == EXIT_RING) {
			groups_read(row->group, &c->groups[i]);
			f->max_packets = c->groups[i].max_packets;
			f->max_bits = c->groups[i].max_bits;
		}
		if (row->own & OWN_DESTINATION)
			err = read_destinations(row, &c->groups[i], f);
	}
	return err;
}

int tables_read(const struct tables *t, struct configuration *c)
{
	unsigned int bank = tables_config(t).bank & 1;
	struct mirror_outer outers[MIRROR_MAX_OUTERS];
	struct mirror_words words;
	size_t n;
	int err = read_rows(t, bank, c);

	if (err)
		return err;
	for (int dim = 0; dim < DIM_NUMBERS; dim++)
		read_dimension(t, dim, bank, c->filters);
	for (int i = 0; i < ADDRESS_TABLES && !err; i++)
		err = read_addresses(t, &address_tables[i], bank, c->filters);
	n = read_outers(t, outers);
	for (size_t i = 0; i < n; i++)
		if (!bpf_map_lookup_elem(t->fd[MAP_OUTERS], &outers[i], &words) && words.bank[bank])
			c->outers[c->n_outers++] = outers[i];
	c->options = t->options[bank];
	return err;
}
