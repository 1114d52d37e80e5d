// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rulesets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t names_now(const struct shared *s)
{
	return __atomic_load_n(&s->state->names_generation, __ATOMIC_ACQUIRE);
}

/* Copies what a commit does not overwrite meanwhile. False: it has done so, or does. */
static bool copy(struct rules *to, const struct shared *s)
{
	const struct mirror_ruleset *from = &s->rulesets[to->ruleset];
	const struct mirror_words *words = &s->accepts[to->ruleset * MIRROR_MAX_CLASSES];
	const __u32 *generation = &from->generation[to->bank];

	if (__atomic_load_n(generation, __ATOMIC_ACQUIRE) != to->generation)
		return false;
	to->names = names_now(s);
	to->nodomain = from->nodomain[to->bank];
	memcpy(to->verdict, from->verdict[to->bank], sizeof(to->verdict));
	for (uint32_t class = 0; class < MIRROR_MAX_CLASSES; class ++)
		to->accepts[class] = words[class].bank[to->bank];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(generation, __ATOMIC_RELAXED) == to->generation;
}

static struct rules *snapshot(struct rulesets *s, uint16_t ruleset, uint8_t bank, uint32_t generation)
{
	struct rules *rules = s->snapshots < RULESETS_SNAPSHOTS ? calloc(1, sizeof(*rules)) : NULL;

	if (!rules)
		return NULL;
	rules->users = 1;
	rules->ruleset = ruleset;
	rules->bank = bank;
	rules->generation = generation;
	if (!copy(rules, s->shared)) {
		free(rules);
		return NULL;
	}
	s->snapshots++;
	return rules;
}

static bool is_of(uint32_t generation, const struct mirror_record *r)
{
	return (generation & (RULESET_USE - 1)) == r->generation;
}

struct rules *rulesets_hold(struct rulesets *s, const struct mirror_record *r)
{
	uint8_t bank = !!(r->flags & RECORD_BANK);
	struct rules **last, *rules;
	uint32_t now;

	if (!s->shared->rulesets || !s->shared->accepts || r->ruleset >= MIRROR_MAX_RULESETS)
		return NULL;
	last = &s->last[r->ruleset][bank];
	now = __atomic_load_n(&s->shared->rulesets[r->ruleset].generation[bank], __ATOMIC_ACQUIRE);
	if (is_of(now, r) && (!*last || (*last)->generation != now)) {
		rules = snapshot(s, r->ruleset, bank, now);
		if (!rules)
			return NULL;
		rulesets_release(s, *last);
		*last = rules;
	}
	if (!*last || !is_of((*last)->generation, r))
		return NULL;
	(*last)->users++;
	return *last;
}

void rulesets_release(struct rulesets *s, struct rules *rules)
{
	if (!rules || --rules->users)
		return;
	free(rules);
	s->snapshots--;
}

static bool is_current(struct rules *rules, const struct shared *s)
{
	if (rules->names != names_now(s) && !rules->damaged)
		rules->damaged = !copy(rules, s);
	return !rules->damaged;
}

int rules_decide(struct rules *rules, const struct shared *s, uint64_t candidates, enum mirror_class class)
{
	if (!is_current(rules, s))
		return -ESTALE;
	candidates &= rules->nodomain | (class >= CLASS_FIRST ? rules->accepts[class] : 0);
	return candidates ? __builtin_ctzll(candidates) : -ENOENT;
}
