// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "group_limits.h"

/* The share of flows that every collector of a group sheds: they need not be copied. */
static uint32_t shed_by_all(const struct shared *s, unsigned int slot)
{
	const struct mirror_group *group = &s->groups[slot];
	struct mirror_collector_counters c;
	uint32_t least = group->id && group->collectors ? UINT32_MAX : 0, shed;

	for (int i = 0; i < group->collectors && i < MIRROR_MAX_COLLECTORS; i++) {
		c = shared_collector(s, slot, i);
		shed = c.group == group->id ? c.shed : 0;
		least = shed < least ? shed : least;
	}
	return least;
}

static void set_shed(const struct shared *s, unsigned int slot, uint32_t shed)
{
	if (s->state->group_shed[slot] != shed)
		__atomic_store_n(&s->state->group_shed[slot], shed, __ATOMIC_RELAXED);
}

static struct limits_input totals(const struct shared *s, unsigned int slot, uint64_t now_ns)
{
	const struct mirror_group *group = &s->groups[slot];
	struct mirror_collector_counters c;
	/* rings are shared by all groups, so only the rate counts */
	struct limits_input in = { .now_ns = now_ns,
				   .max_copies = group->max_packets,
				   .max_bits = group->max_bits };

	for (int i = 0; i < MIRROR_MAX_COLLECTORS; i++) {
		c = shared_collector(s, slot, i);
		if (c.group != group->id)
			continue;
		in.copies += c.copies;
		in.bits += c.bytes * 8;
	}
	return in;
}

static uint32_t shed_for_rate(struct group_limits *l, const struct shared *s, unsigned int slot,
			      uint64_t now_ns)
{
	const struct mirror_group *group = &s->groups[slot];
	struct limits_input in;

	if (!group->id || (!group->max_packets && !group->max_bits)) {
		l->group[slot] = 0;
		return 0;
	}
	in = totals(s, slot, now_ns);
	if (l->group[slot] != group->id) {
		l->group[slot] = group->id;
		limits_begin(&l->limits[slot], s->state->group_shed[slot], &in);
	}
	return limits_step(&l->limits[slot], &in);
}

/* The data path sheds for all legs alike: what all of them shed, and what the rate of any allows no more. */
static uint32_t shed_by_legs(const struct shared *s, unsigned int slot,
			     const uint32_t rate[MIRROR_MAX_GROUPS])
{
	uint32_t legs[MIRROR_MAX_LEGS], least = UINT32_MAX, most = 0, all;
	unsigned int n = shared_legs(s, s->groups[slot].id, legs);

	for (unsigned int i = 0; i < n; i++) {
		all = shed_by_all(s, legs[i]);
		least = all < least ? all : least;
		most = rate[legs[i]] > most ? rate[legs[i]] : most;
	}
	return n && least > most ? least : most;
}

void group_limits_step(struct group_limits *l, const struct shared *s, uint64_t now_ns)
{
	uint32_t rate[MIRROR_MAX_GROUPS];

	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		rate[slot] = shed_for_rate(l, s, slot, now_ns);
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		set_shed(s, slot, shed_by_legs(s, slot, rate));
}
