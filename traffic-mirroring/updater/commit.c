// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Commit: a configuration into the bank that is not in force, then one flip.
 *
 * Everything that can be refused is computed and checked first, and nothing is written then. What is written
 * afterwards is either of the other bank, or right for both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/netlink.h"
#include "counters.h"
#include "maps.h"
#include "outer_maps.h"
#include "prefixes.h"
#include "readback.h"
#include "rulesets.h"

struct prefix_plan {
	struct prefix_entry *at;
	size_t n;
};

/* Adds the prefixes that a configuration has for a table. */
static int add_prefixes(const struct configuration *c, const struct address_table *table,
			struct prefix_plan *plan)
{
	for (size_t i = 0; i < c->filters->n; i++) {
		const struct prefix_list *list = filter_prefixes(&c->filters->at[i], table->dim);

		for (size_t j = 0; j < list->n; j++) {
			const struct prefix_entry entry = { .prefix = list->at[j],
							    .added = UINT64_C(1) << i };

			if (entry.prefix.family == table->family && prefixes_add(&plan->at, &plan->n, &entry))
				return -ENOMEM;
		}
	}
	return 0;
}

static int check_prefixes(const struct configuration *c, const struct address_table *table)
{
	struct prefix_plan plan = {};
	int err = add_prefixes(c, table, &plan);

	if (err)
		log_error("cannot count the prefixes: %s", error_text(err));
	else
		prefixes_merge(plan.at, &plan.n, 0);
	if (plan.n > MIRROR_MAX_PREFIXES) {
		log_error("%zu different IPv%u %s prefixes, but a table takes %d", plan.n, table->family,
			  table->dim == DIM_SRC ? "src" : "dst", MIRROR_MAX_PREFIXES);
		err = -ENOSPC;
	}
	free(plan.at);
	return err;
}

/* As many as rules say, also where one is in several of them. */
static int check_names(const struct filter_set *filters)
{
	size_t n = 0;

	for (size_t i = 0; i < filters->n; i++)
		n += filters->at[i].domain.n;
	if (n <= MIRROR_MAX_NAMES)
		return 0;
	log_error("%zu names in domain, but the filters of a direction take %d", n, MIRROR_MAX_NAMES);
	return -ENOSPC;
}

int tables_check(const struct configuration *c)
{
	int err = check_names(c->filters);

	if (c->n_outers > MIRROR_MAX_OUTERS / MIRROR_BANKS) {
		log_error("%zu tunnel endpoints, but only %d are followed", c->n_outers,
			  MIRROR_MAX_OUTERS / MIRROR_BANKS);
		return -ENOSPC;
	}
	for (int i = 0; i < ADDRESS_TABLES && !err; i++)
		err = check_prefixes(c, &address_tables[i]);
	return err;
}

static int plan_prefixes(struct tables *t, const struct configuration *c, const struct address_table *table,
			 unsigned int spare, struct prefix_plan *plan)
{
	int err = read_prefixes(t, table, &plan->at, &plan->n);

	if (!err)
		err = add_prefixes(c, table, plan);
	if (!err)
		prefixes_merge(plan->at, &plan->n, spare);
	return err;
}

static int write_prefixes(struct tables *t, const struct address_table *table, unsigned int spare,
			  const struct prefix_plan *plan)
{
	int fd = t->fd[table->map];

	/* what no bank needs goes first: it makes room */
	for (int removing = 1; removing >= 0; removing--) {
		for (size_t i = 0; i < plan->n; i++) {
			const struct prefix_entry *e = &plan->at[i];
			struct mirror_words words = { { e->word[0], e->word[1] } };
			struct mirror_key6 key = { .prefix_len = e->prefix.len };
			int err = 0;

			memcpy(key.addr, e->prefix.addr, sizeof(key.addr));
			if (removing && e->held && !e->keep)
				err = bpf_map_delete_elem(fd, &key);
			else if (!removing && e->keep && (!e->held || e->was != e->word[spare]))
				err = bpf_map_update_elem(fd, &key, &words, BPF_ANY);
			if (err)
				return -errno;
		}
	}
	return 0;
}

static void write_dimension(struct tables *t, const struct filter_set *filters, enum mirror_dimension dim,
			    unsigned int spare)
{
	struct mirror_words *table = t->numbers[dim];
	size_t values = 0;

	filter_bits(&filters->at[0], dim, &values);
	for (size_t v = 0; v < values; v++)
		table[v].bank[spare] = 0;
	for (size_t i = 0; i < filters->n; i++) {
		const uint64_t *set = filter_bits(&filters->at[i], dim, &values);

		if (!(filters->at[i].constrained & 1U << dim))
			continue;
		for (size_t w = 0; w < BITS_WORDS(values); w++)
			for (uint64_t bits = set[w]; bits; bits &= bits - 1)
				table[w * 64 + __builtin_ctzll(bits)].bank[spare] |= UINT64_C(1) << i;
	}
}

static bool same_ports(const struct mirror_words *a, const struct mirror_words *b, unsigned int bank)
{
	for (int port = 0; port < MIRROR_PORT_BLOCK; port++)
		if (a[port].bank[bank] != b[port].bank[bank])
			return false;
	return true;
}

/* The block that stands for another one, and its first port. */
static uint16_t port_block(const struct mirror_words *table, unsigned int bank, unsigned int at)
{
	static const struct mirror_words none[MIRROR_PORT_BLOCK];
	unsigned int first = 0;

	if (same_ports(&table[at], none, bank))
		return NO_PORTS;
	while (!same_ports(&table[at], &table[first], bank))
		first += MIRROR_PORT_BLOCK;
	return first;
}

static void write_port_blocks(const struct tables *t, unsigned int bank, struct mirror_bank *b)
{
	for (int i = 0; i < MIRROR_PORT_TABLES; i++)
		for (int block = 0; block < MIRROR_PORT_BLOCKS; block++)
			b->block[i][block] =
				port_block(t->numbers[DIM_DST_PORT + i], bank, block * MIRROR_PORT_BLOCK);
}

#define L4_BIT(ID, name, values, l4, what) | (uint32_t)l4 << DIM_##ID
#define L4_DIMENSIONS (1U << DIM_DOMAIN MIRROR_NUMBERS(L4_BIT))

/* The port of all tunnel endpoints that have one; 0 where they differ. */
static uint16_t common_port(const struct configuration *c)
{
	uint16_t port = 0;

	for (size_t i = 0; i < c->n_outers; i++) {
		if (!c->outers[i].port)
			continue;
		if (port && c->outers[i].port != port)
			return 0;
		port = c->outers[i].port;
	}
	return port;
}

/* After the tables of numbers. rows: of the configuration, with their counters. */
static void write_bank(struct tables *t, const struct configuration *c, const struct mirror_filter *rows,
		       unsigned int spare)
{
	struct mirror_bank bank = { .outers = c->n_outers,
				    .outer_port = common_port(c),
				    .flow_sets = c->flow_sets,
				    .ruleset = c->ruleset,
				    .until_ns = c->until_ns };

	memcpy(&t->filters[spare * MIRROR_MAX_FILTERS], rows, MIRROR_MAX_FILTERS * sizeof(*rows));
	for (size_t i = 0; i < c->filters->n; i++) {
		const struct filter *f = &c->filters->at[i];
		const struct mirror_filter *row = &rows[i];
		uint64_t bit = UINT64_C(1) << i;

		bank.filters |= bit;
		if (row->action != ACTION_SKIP)
			bank.wants |= bit;
		for (int dim = 0; dim < DIM_COUNT; dim++)
			if (f->constrained & 1U << dim)
				bank.tests[dim] |= bit;
		if (!(f->constrained & L4_DIMENSIONS) && row->sample <= 1 && row->devices <= 1 && !row->first)
			bank.without_l4 |= bit;
	}
	write_port_blocks(t, spare, &bank);
	t->banks[spare] = bank;
	t->options[spare] = c->options;
}

static bool same_outer(const struct mirror_outer *a, const struct mirror_outer *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool wanted(const struct configuration *c, const struct mirror_outer *outer)
{
	for (size_t i = 0; i < c->n_outers; i++)
		if (same_outer(&c->outers[i], outer))
			return true;
	return false;
}

static const struct mirror_words *words_of(const struct outer_entry *held, size_t n,
					   const struct mirror_outer *outer)
{
	static const struct mirror_words none;

	for (size_t i = 0; i < n; i++)
		if (same_outer(&held[i].outer, outer))
			return &held[i].words;
	return &none;
}

/*
 * The outers table has room for both banks: a bank's number is limited to half of it. held: the n entries
 * that it has.
 */
static int write_outers(struct tables *t, const struct configuration *c, unsigned int spare,
			const struct outer_entry *held, size_t n)
{
	int fd = t->fd[MAP_OUTERS];

	for (size_t i = 0; i < n; i++) {
		struct mirror_words words = held[i].words;

		if (wanted(c, &held[i].outer))
			continue;
		words.bank[spare] = 0;
		if (words.bank[!spare] ? bpf_map_update_elem(fd, &held[i].outer, &words, BPF_ANY) :
					 bpf_map_delete_elem(fd, &held[i].outer))
			return -errno;
	}
	for (size_t i = 0; i < c->n_outers; i++) {
		struct mirror_words words = *words_of(held, n, &c->outers[i]);

		words.bank[spare] = 1;
		if (bpf_map_update_elem(fd, &c->outers[i], &words, BPF_ANY))
			return -errno;
	}
	return 0;
}

int tables_commit(struct tables *t, const struct configuration *c, bool l3)
{
	struct mirror_config config = tables_config(t);
	struct prefix_plan plans[ADDRESS_TABLES] = {};
	struct mirror_filter rows[MIRROR_MAX_FILTERS];
	struct outer_entry outers[MIRROR_MAX_OUTERS];
	size_t n_outers;
	unsigned int spare = !config.bank;
	int err = 0;

	for (int i = 0; i < ADDRESS_TABLES && !err; i++)
		err = plan_prefixes(t, c, &address_tables[i], spare, &plans[i]);
	if (!err)
		err = read_outers(t, outers, &n_outers);
	if (err) {
		log_error("cannot read the maps: %s; the filters in force stay", error_text(err));
		goto out;
	}

	err = grace_period();
	if (!err) {
		/* from here on the other bank is no longer the previous configuration */
		config.can_rollback = 0;
		config_store(t, config);
	}
	for (int i = 0; i < ADDRESS_TABLES && !err; i++)
		err = write_prefixes(t, &address_tables[i], spare, &plans[i]);
	if (!err)
		err = write_outers(t, c, spare, outers, n_outers);
	memcpy(rows, c->rows, sizeof(rows));
	if (!err)
		err = counters_give(t, rows, c->filters->n);
	if (!err && c->host && filters_constrain(c->filters, DIM_DOMAIN))
		err = ruleset_write(c, spare, config.generation + 1);
	if (err) {
		log_error("cannot write the maps: %s; the filters in force stay", error_text(err));
		goto out;
	}
	for (int dim = 0; dim < DIM_NUMBERS; dim++)
		write_dimension(t, c->filters, dim, spare);
	write_bank(t, c, rows, spare);

	t->about->network = netlink_namespace();
	/* the first commit has nothing before it */
	config.can_rollback = config.generation > 0;
	config.bank = spare;
	config.l3 = l3;
	config.generation++;
	config_store(t, config);
out:
	for (int i = 0; i < ADDRESS_TABLES; i++)
		free(plans[i].at);
	return err;
}
