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
#include "../host/shared.h"
#include "rulesets.h"

/*
 * The entry after a key, into the same memory. -ENOENT: that was the last one. Any other error is not the end
 * of the table.
 */
static int next_entry(int fd, bool first, void *key, struct mirror_words *words)
{
	int err;

	do {
		err = bpf_map_get_next_key(fd, first ? NULL : key, key);
		if (err)
			return err;
		first = false;
		err = bpf_map_lookup_elem(fd, key, words);
	} while (err == -ENOENT); /* removed meanwhile: status takes no lock */
	return err;
}

int read_prefixes(const struct tables *t, const struct address_table *table, struct prefix_entry **entries,
		  size_t *n)
{
	struct mirror_words words;
	struct mirror_key6 key;
	int err = 0;

	*entries = NULL;
	*n = 0;
	while (!err) {
		struct prefix_entry entry = { .prefix = { .family = table->family }, .held = true };

		err = next_entry(t->fd[table->map], !*n, &key, &words);
		if (err)
			break;
		entry.prefix.len = key.prefix_len;
		memcpy(entry.prefix.addr, key.addr, table->family == 4 ? 4 : 16);
		/* the kernel keeps what a key of bpftool's had there */
		prefix_clear_past_length(&entry.prefix);
		memcpy(entry.word, words.bank, sizeof(entry.word));
		err = prefixes_add(entries, n, &entry);
	}
	if (err == -ENOENT)
		return 0;
	free(*entries);
	*entries = NULL;
	return err;
}

int read_outers(const struct tables *t, struct outer_entry outers[MIRROR_MAX_OUTERS], size_t *n)
{
	struct mirror_outer key;
	int err = 0;

	for (*n = 0; *n < MIRROR_MAX_OUTERS && !err; ++*n) {
		err = next_entry(t->fd[MAP_OUTERS], !*n, &key, &outers[*n].words);
		if (err)
			break;
		outers[*n].outer = key;
	}
	return err == -ENOENT ? 0 : err;
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

static void read_devices(const struct mirror_filter *row, struct filter *f)
{
	for (; f->n_to < row->devices; f->n_to++)
		memcpy(f->to[f->n_to].text, row->device[f->n_to].name, MIRROR_NAME_LEN);
}

static void read_collectors(const struct legs *legs, struct filter *f)
{
	for (size_t leg = 0; leg < legs->n; leg++) {
		for (int i = 0; i < legs->at[leg].collectors; i++) {
			struct destination *to = &f->to[f->n_to++];

			to->leg = leg;
			to->collector = legs->at[leg].collector[i];
			collector_print(&to->collector, to->text);
		}
	}
}

static int read_destinations(const struct mirror_filter *row, const struct legs *legs, struct filter *f)
{
	f->to = calloc((size_t)MIRROR_MAX_LEGS * MIRROR_MAX_COLLECTORS, sizeof(*f->to));
	if (!f->to)
		return -ENOMEM;
	if (row->exit == EXIT_RING)
		read_collectors(legs, f);
	else
		read_devices(row, f);
	return 0;
}

static uint32_t leg_value(enum leg_option option, const struct mirror_filter *row,
			  const struct mirror_group *group)
{
	switch (option) {
	case LEG_SNAPLEN:
		return group->snaplen ?: row_snaplen(row);
	case LEG_OVERSIZE:
		return group->oversize;
	case LEG_METADATA:
		return group->metadata != 0;
	default:
		return group->segment != 0;
	}
}

/* What the rule itself says; of its legs one value where they agree. */
static void read_group_options(const struct mirror_filter *row, const struct legs *legs, struct filter *f)
{
	if (!legs->n)
		return;
	f->max_packets = legs->at[0].max_packets;
	f->max_bits = legs->at[0].max_bits;
	for (int option = 0; option < LEG_OPTIONS; option++) {
		struct leg_values values = { .n = legs->n };

		if (!(row->own & OWN_SNAPLEN << option))
			continue;
		for (size_t leg = 0; leg < legs->n; leg++)
			values.at[leg] = leg_value(option, row, &legs->at[leg]);
		legs_shorten(&values);
		f->leg[option] = values;
	}
}

/* Whoever writes to the map, what is read of it keeps to its bounds. */
static struct mirror_filter bounded_row(const struct mirror_filter *in_map)
{
	struct mirror_filter row = *in_map;

	if (row.action > ACTION_COUNT)
		row.action = ACTION_MIRROR; /* as the data path takes it */
	if (row.exit > EXIT_NONE)
		row.exit = EXIT_NONE;
	if (row.devices > MIRROR_MAX_DEVICES)
		row.devices = MIRROR_MAX_DEVICES;
	for (int i = 0; i < MIRROR_MAX_DEVICES; i++)
		row.device[i].name[MIRROR_NAME_LEN - 1] = '\0';
	row.name[MIRROR_RULE_NAME_LEN - 1] = '\0';
	if (row.counter > MIRROR_COUNTERS)
		row.counter = 0;
	return row;
}

/* Those up to one that is lost. */
static int read_legs(uint32_t id, struct legs *legs)
{
	int err = 0;

	while (id && legs->n < MIRROR_MAX_LEGS && !err) {
		err = shared_group_by_id(id, &legs->at[legs->n]);
		if (!err)
			id = legs->at[legs->n++].next;
	}
	return err == -ENOENT ? 0 : err;
}

static int read_rows(const struct tables *t, unsigned int bank, struct configuration *c)
{
	const struct mirror_bank *b = &t->banks[bank];
	int err = 0;

	for (size_t i = 0; i < MIRROR_MAX_FILTERS && b->filters >> i & 1 && !err; i++) {
		const struct mirror_filter *row = &c->rows[i];
		struct filter *f;

		c->rows[i] = bounded_row(&t->filters[bank * MIRROR_MAX_FILTERS + i]);
		f = filter_set_add(c->filters, row->action);
		if (!f)
			return -ENOMEM;
		filter_from_row(f, row);
		for (int dim = 0; dim < DIM_COUNT; dim++)
			if (b->tests[dim] >> i & 1)
				f->constrained |= 1U << dim;
		if (row->exit == EXIT_RING)
			err = read_legs(row->group, &c->legs[i]);
		read_group_options(row, &c->legs[i], f);
		if (!err && row->own & OWN_DESTINATION)
			err = read_destinations(row, &c->legs[i], f);
	}
	return err;
}

int tables_read(const struct tables *t, struct configuration *c)
{
	unsigned int bank = tables_config(t).bank;
	struct outer_entry outers[MIRROR_MAX_OUTERS];
	size_t n;
	int err = read_rows(t, bank, c);

	if (err)
		return err;
	for (int dim = 0; dim < DIM_NUMBERS; dim++)
		read_dimension(t, dim, bank, c->filters);
	for (int i = 0; i < ADDRESS_TABLES && !err; i++)
		err = read_addresses(t, &address_tables[i], bank, c->filters);
	if (!err)
		err = ruleset_read(tables_ruleset(t, bank), bank, c->host, c->filters);
	if (!err)
		err = read_outers(t, outers, &n);
	for (size_t i = 0; !err && i < n; i++)
		if (outers[i].words.bank[bank])
			c->outers[c->n_outers++] = outers[i].outer;
	tables_options(t, &c->options);
	c->until_ns = t->banks[bank].until_ns;
	return err;
}
