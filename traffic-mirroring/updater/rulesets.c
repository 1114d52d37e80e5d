// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rulesets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/netlink.h"
#include "../host/names.h"
#include "../host/shared.h"

static int mark_used(void *ctx, const struct instance *i)
{
	struct rulesets_used *used = ctx;

	for (unsigned int bank = 0; i && bank < MIRROR_BANKS; bank++) {
		int ruleset = tables_ruleset(i->tables, bank);

		if (ruleset >= 0)
			used->bank[ruleset][bank] = true;
	}
	return i ? 0 : -EBUSY;
}

int rulesets_used(struct rulesets_used *used)
{
	*used = (struct rulesets_used){};
	return instance_each((struct instance_query){}, mark_used, used);
}

static int own_or_free(const struct tables *t, const struct rulesets_used *used)
{
	for (unsigned int bank = 0; bank < MIRROR_BANKS; bank++)
		if (tables_ruleset(t, bank) >= 0)
			return tables_ruleset(t, bank);
	for (int r = 0; r < MIRROR_MAX_RULESETS; r++)
		if (!used->bank[r][0] && !used->bank[r][1])
			return r;
	log_error("more than %d interface directions of this host have filters with domain",
		  MIRROR_MAX_RULESETS);
	return -ENOSPC;
}

int ruleset_choose(const struct instance *i, const struct shared *host, const struct rulesets_used *used,
		   uint16_t *ruleset)
{
	int chosen = own_or_free(i->tables, used);

	if (chosen < 0)
		return chosen;
	host->rulesets[chosen].network = netlink_namespace();
	host->rulesets[chosen].ifindex = i->link.ifindex;
	host->rulesets[chosen].egress = i->direction == EGRESS;
	*ruleset = chosen;
	return 0;
}

static struct mirror_verdict verdict_of(const struct mirror_filter *row)
{
	return (struct mirror_verdict){ .action = row->action,
					.trim = row->trim,
					.snaplen = row->snaplen,
					.group = row->group,
					.sample = row->sample,
					.first = row->first };
}

static struct mirror_words *words_of(const struct shared *host, unsigned int ruleset)
{
	return &host->accepts[ruleset * MIRROR_MAX_CLASSES];
}

/* Those of its filters that name a class itself. */
static void add_own(const struct filter_set *filters, const struct names *names, uint64_t *own)
{
	for (size_t i = 0; i < filters->n; i++)
		for (size_t n = 0; n < filters->at[i].domain.n; n++)
			own[names_find(names, &filters->at[i].domain.at[n])] |= UINT64_C(1) << i;
}

static void write_words(const struct filter_set *filters, const struct names *names, unsigned int bank,
			uint64_t *own, struct mirror_words *words)
{
	add_own(filters, names, own);
	/* parents come first */
	for (size_t i = 0; i < names_count(names); i++) {
		uint16_t class = names_at(names, i), parent = names_parent(names, class);
		uint64_t inherited = parent == CLASS_NONE ? 0 : words[parent].bank[bank];

		__atomic_store_n(&words[class].bank[bank], own[class] | inherited, __ATOMIC_RELAXED);
	}
}

static void write_fields(const struct configuration *c, unsigned int bank, struct mirror_ruleset *set)
{
	set->nodomain[bank] = 0;
	for (size_t i = 0; i < c->filters->n; i++) {
		set->verdict[bank][i] = verdict_of(&c->rows[i]);
		if (!(c->filters->at[i].constrained & 1U << DIM_DOMAIN))
			set->nodomain[bank] |= UINT64_C(1) << i;
	}
}

/* What a bank is stamped with: the commit, and which use of this slot it is. */
static uint32_t stamp(uint32_t before, uint32_t generation)
{
	return (before & ~(RULESET_USE - 1)) | (generation & UINT16_MAX);
}

int ruleset_write(const struct configuration *c, unsigned int bank, uint32_t generation)
{
	struct mirror_ruleset *set = &c->host->rulesets[c->ruleset];
	uint64_t *own = calloc(MIRROR_MAX_CLASSES, sizeof(*own));
	struct names *names = own ? names_index(c->host->names) : NULL;
	uint32_t use = set->generation[bank] + RULESET_USE;

	if (names) {
		__atomic_store_n(&set->generation[bank], use | RULESET_WRITTEN, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		write_fields(c, bank, set);
		write_words(c->filters, names, bank, own, words_of(c->host, c->ruleset));
		__atomic_store_n(&set->generation[bank], stamp(use, generation), __ATOMIC_RELEASE);
	}
	free(own);
	free(names);
	return names ? 0 : -ENOMEM;
}

int ruleset_restore(const struct tables *t, unsigned int bank, uint32_t generation)
{
	int ruleset = tables_ruleset(t, bank), err;
	struct shared host;
	uint32_t *at;

	if (ruleset < 0)
		return 0;
	err = shared_open(&host);
	if (err)
		return err;
	if (host.rulesets) {
		at = &host.rulesets[ruleset].generation[bank];
		__atomic_store_n(at, stamp(*at, generation), __ATOMIC_RELEASE);
	}
	shared_close(&host);
	return 0;
}

/* A filter names a class itself where its parent does not already bring it along. */
static int add_names(const struct names *names, const struct mirror_words *words, unsigned int bank,
		     struct filter_set *filters)
{
	int err = 0;

	for (size_t i = 0; i < names_count(names); i++) {
		uint16_t class = names_at(names, i), parent = names_parent(names, class);
		uint64_t own = words[class].bank[bank];

		if (parent != CLASS_NONE)
			own &= ~words[parent].bank[bank];
		for (size_t f = 0; f < filters->n && !err; f++)
			if (own >> f & 1 && filters->at[f].constrained & 1U << DIM_DOMAIN)
				err = name_list_add(&filters->at[f].domain, names_name(names, class));
	}
	return err;
}

static bool same_names(const struct names *a, const struct names *b)
{
	bool same = names_count(a) == names_count(b);

	for (size_t i = 0; i < names_count(a) && same; i++)
		same = names_at(a, i) == names_at(b, i) &&
		       !name_compare(names_name(a, names_at(a, i)), names_name(b, names_at(b, i)));
	return same;
}

/* Words of one moment: another command may give classes to other names meanwhile. */
static int read_words(const struct shared *host, unsigned int ruleset, unsigned int bank,
		      struct filter_set *filters)
{
	struct mirror_words *words = calloc(MIRROR_MAX_CLASSES, sizeof(*words));
	struct names *names = words ? names_index(host->names) : NULL, *after;
	bool same = false;
	int err = names ? 0 : -ENOMEM;

	while (!err && !same) {
		memcpy(words, words_of(host, ruleset), MIRROR_MAX_CLASSES * sizeof(*words));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = names_index(host->names);
		err = after ? 0 : -ENOMEM;
		same = !err && same_names(names, after);
		free(names);
		names = after;
	}
	if (!err)
		err = add_names(names, words, bank, filters);
	free(words);
	free(names);
	return err;
}

int ruleset_read(int ruleset, unsigned int bank, const struct shared *host, struct filter_set *filters)
{
	struct shared pinned = {};
	int err = 0;

	if (ruleset < 0)
		return 0;
	/* names that are lost accept nothing */
	if (!host && (access(HOST_PINS "/names", F_OK) || access(HOST_PINS "/accepts", F_OK)))
		return 0;
	if (!host) {
		err = shared_open(&pinned);
		host = &pinned;
	}
	if (!err)
		err = read_words(host, ruleset, bank, filters);
	shared_close(&pinned);
	return err;
}
