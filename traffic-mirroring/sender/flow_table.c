// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "flow_table.h"

#include <stddef.h>

static struct mirror_flow_set *set_of(const struct shared *s, uint64_t hash)
{
	return s->flows ? &s->flows[flow_set(hash, s->flow_sets)] : NULL;
}

static struct mirror_flow *evict(const struct shared *s, struct mirror_flow_set *set, uint16_t now)
{
	struct mirror_flow *flow = &set->flow[flow_victim(set, now)];

	if (flow_in_use(flow, now))
		__atomic_fetch_add(&s->state->flow_evictions, 1, __ATOMIC_RELAXED);
	return flow;
}

struct mirror_flow *flow_table_find(const struct shared *s, uint64_t hash)
{
	struct mirror_flow_set *set = set_of(s, hash);
	uint32_t way = set ? flow_way(set, flow_tag(hash)) : MIRROR_FLOW_WAYS;

	return way < MIRROR_FLOW_WAYS ? &set->flow[way] : NULL;
}

struct mirror_flow *flow_table_get(const struct shared *s, uint64_t hash, uint16_t now)
{
	struct mirror_flow *flow = flow_table_find(s, hash);

	if (flow || !s->flows)
		return flow;
	flow = evict(s, set_of(s, hash), now);
	flow_give(flow, flow_tag(hash), CLASS_UNDECIDED, now);
	return flow;
}

enum mirror_class flow_table_class(const struct shared *s, uint64_t hash)
{
	const struct mirror_flow *flow = flow_table_find(s, hash);
	struct mirror_flow found = {};

	if (flow)
		found.head = __atomic_load_n(&flow->head, __ATOMIC_RELAXED);
	if (found.tag != flow_tag(hash))
		return CLASS_UNDECIDED;
	return found.class < MIRROR_MAX_CLASSES ? found.class : CLASS_NONE; /* whoever wrote it */
}

void flow_table_set_class(const struct shared *s, uint64_t hash, enum mirror_class class, uint16_t now)
{
	struct mirror_flow *flow = flow_table_find(s, hash);

	if (!s->flows)
		return;
	flow_give(flow ?: evict(s, set_of(s, hash), now), flow_tag(hash), class, now);
}
