// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "classes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../host/names.h"
#include "../host/shared.h"
#include "outer_maps.h"
#include "sender_process.h"

#define CLASSES (MIRROR_MAX_CLASSES - CLASS_FIRST)

/* What the names of filters need: classes that exist, and names that have none. */
struct need {
	bool class[MIRROR_MAX_CLASSES];
	struct name_list missing;
};

static int find_need(const struct filter_set *filters, const struct names *names, struct need *need)
{
	int err = 0;

	for (size_t i = 0; i < filters->n; i++) {
		const struct name_list *list = &filters->at[i].domain;

		for (size_t n = 0; n < list->n && !err; n++) {
			uint16_t class = names_find(names, &list->at[n]);

			need->class[class] = true;
			if (class == CLASS_NONE)
				err = name_list_add(&need->missing, &list->at[n]);
		}
	}
	name_list_sort(&need->missing);
	return err;
}

/* ---- taking back ---- */

static uint64_t word_of(const struct shared *host, unsigned int ruleset, unsigned int bank, uint16_t class)
{
	return class == CLASS_NONE ? 0 : host->accepts[ruleset * MIRROR_MAX_CLASSES + class].bank[bank];
}

static bool distinguished(const struct shared *host, const struct rulesets_used *used, uint16_t class,
			  uint16_t parent)
{
	for (unsigned int r = 0; r < MIRROR_MAX_RULESETS; r++)
		for (unsigned int bank = 0; bank < MIRROR_BANKS; bank++)
			if (used->bank[r][bank] &&
			    word_of(host, r, bank, class) != word_of(host, r, bank, parent))
				return true;
	return false;
}

/* The class that each class's flows are to have: its own, or that of what covers it if it is taken back. */
static size_t find_heirs(const struct shared *host, const struct names *names, const struct need *need,
			 const struct rulesets_used *used, uint16_t *heir)
{
	size_t freed = 0;

	heir[CLASS_NONE] = CLASS_NONE;
	for (size_t i = 0; i < names_count(names); i++) {
		uint16_t class = names_at(names, i), parent = names_parent(names, class);
		bool keep = need->class[class] || distinguished(host, used, class, parent);

		heir[class] = keep ? class : heir[parent];
		freed += !keep;
	}
	return freed;
}

/* A data path may give the entry to another flow at any time. */
static void hand_over(struct mirror_flow *flow, const uint16_t *heir)
{
	struct mirror_flow was = { .head = __atomic_load_n(&flow->head, __ATOMIC_RELAXED) }, now;

	do {
		if (was.class < CLASS_FIRST || was.class >= MIRROR_MAX_CLASSES || !heir[was.class] ||
		    heir[was.class] == was.class)
			return;
		now = was;
		now.class = heir[was.class];
	} while (!__atomic_compare_exchange_n(&flow->head, &was.head, now.head, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}

/* Nobody may still know a class when it is given to another name: neither the sender nor a data path. */
static int take_back(struct shared *host, const uint16_t *heir)
{
	int err = sender_signal(SIGUSR1);

	if (err)
		return err;
	for (uint32_t set = 0; set < host->flow_sets; set++)
		for (int way = 0; way < MIRROR_FLOW_WAYS; way++)
			hand_over(&host->flows[set].flow[way], heir);
	err = grace_period();
	if (err)
		log_error("cannot take back unused names: %s", error_text(err));
	for (uint16_t class = CLASS_FIRST; class < MIRROR_MAX_CLASSES && !err; class ++)
		if (heir[class] && heir[class] != class)
			__atomic_store_n(&host->names[class].len, 0, __ATOMIC_RELEASE);
	return err;
}

static int make_room(struct shared *host, const struct names *names, const struct need *need,
		     const struct rulesets_used *used)
{
	size_t wanted = names_count(names) + need->missing.n, freed;
	uint16_t heir[MIRROR_MAX_CLASSES] = {};

	if (wanted <= CLASSES)
		return 0;
	freed = find_heirs(host, names, need, used, heir);
	if (wanted - freed > CLASSES) {
		log_error(
			"%zu different names in domain on this host, also in filters kept for rollback, but "
			"only %d are followed",
			wanted - freed, CLASSES);
		return -ENOSPC;
	}
	return take_back(host, heir);
}

/* ---- giving ---- */

/* Until a commit says more, a new name is treated as what covers it. */
static void inherit(struct shared *host, uint16_t class, uint16_t parent)
{
	for (unsigned int r = 0; r < MIRROR_MAX_RULESETS; r++)
		for (unsigned int bank = 0; bank < MIRROR_BANKS; bank++)
			host->accepts[r * MIRROR_MAX_CLASSES + class].bank[bank] =
				word_of(host, r, bank, parent);
}

/* The sender may read at any time: a name appears, whole, when its words are right. */
static void publish(struct mirror_name *to, const struct mirror_name *name)
{
	to->suffix = name->suffix;
	memcpy(to->text, name->text, sizeof(to->text));
	__atomic_store_n(&to->len, name->len, __ATOMIC_RELEASE);
}

/* What nobody can have written but by hand. */
static void drop_damaged(struct mirror_name *map)
{
	for (uint16_t class = CLASS_FIRST; class < MIRROR_MAX_CLASSES; class ++)
		if (map[class].len > sizeof(map->text))
			map[class].len = 0;
}

static void fill(struct mirror_name *map, const struct name_list *missing)
{
	uint16_t class = CLASS_FIRST;

	for (size_t i = 0; i < missing->n; i++) {
		while (map[class].len)
			class ++;
		map[class] = missing->at[i];
	}
}

static int give(struct shared *host, const struct name_list *missing)
{
	struct mirror_name *map = calloc(MIRROR_MAX_CLASSES, sizeof(*map));
	struct names *names = NULL;

	if (map) {
		memcpy(map, host->names, MIRROR_MAX_CLASSES * sizeof(*map));
		fill(map, missing);
		names = names_index(map);
	}
	for (size_t i = 0; names && i < names_count(names); i++) {
		uint16_t class = names_at(names, i);

		if (host->names[class].len)
			continue;
		inherit(host, class, names_parent(names, class));
		publish(&host->names[class], &map[class]);
	}
	__atomic_add_fetch(&host->state->names_generation, 1, __ATOMIC_RELEASE);
	free(map);
	free(names);
	return names ? 0 : -ENOMEM;
}

int classes_put(struct shared *host, const struct filter_set *filters, const struct rulesets_used *used)
{
	struct names *names = names_index(host->names);
	struct need *need = calloc(1, sizeof(*need));
	int err = names && need ? find_need(filters, names, need) : -ENOMEM;

	drop_damaged(host->names);
	if (!err && need->missing.n)
		err = make_room(host, names, need, used) ?: give(host, &need->missing);
	if (err && !log_reported())
		log_error("cannot add the names of domain: %s", error_text(err));
	if (need)
		free(need->missing.at);
	free(need);
	free(names);
	return err;
}
