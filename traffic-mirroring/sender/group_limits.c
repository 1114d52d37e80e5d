// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "group_limits.h"

static void set_shed(const struct shared *s, unsigned int slot, uint32_t shed)
{
	if (s->state->group_shed[slot] != shed)
		__atomic_store_n(&s->state->group_shed[slot], shed, __ATOMIC_RELAXED);
}

static struct limits_input totals(const struct shared *s, unsigned int slot, uint64_t now_ns)
{
	const struct mirror_group *group = &s->groups[slot];
	const struct mirror_collector_counters *c = &s->collectors[slot * MIRROR_MAX_COLLECTORS];
	/* rings are shared by all groups, so only the rate counts */
	struct limits_input in = { .now_ns = now_ns,
				   .max_copies = group->max_packets,
				   .max_bits = group->max_bits };

	for (int i = 0; i < MIRROR_MAX_COLLECTORS; i++) {
		if (c[i].group != group->id)
			continue;
		in.copies += c[i].copies;
		in.bits += c[i].bytes * 8;
	}
	return in;
}

void group_limits_step(struct group_limits *l, const struct shared *s, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		const struct mirror_group *group = &s->groups[slot];
		struct limits_input in;

		if (!group->id || (!group->max_packets && !group->max_bits)) {
			l->group[slot] = 0;
			set_shed(s, slot, 0);
			continue;
		}
		in = totals(s, slot, now_ns);
		if (l->group[slot] != group->id) {
			l->group[slot] = group->id;
			limits_begin(&l->limits[slot], s->state->group_shed[slot], &in);
		}
		set_shed(s, slot, limits_step(&l->limits[slot], &in));
	}
}
