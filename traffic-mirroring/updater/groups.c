// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "groups.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/log.h"
#include "instance.h"

/* A search for the groups that the configurations of this host refer to, active or kept for rollback. */
struct search {
	const struct shared *shared; /* NULL: whether there are any is enough */
	bool used[MIRROR_MAX_GROUPS]; /* by slot */
	bool any;
};

static void mark_legs(void *ctx, uint32_t group)
{
	struct search *search = ctx;
	uint32_t legs[MIRROR_MAX_LEGS];
	unsigned int n = search->shared ? shared_legs(search->shared, group, legs) : 0;

	search->any = true;
	while (n--)
		search->used[legs[n]] = true;
}

static int search_instance(void *search, const struct instance *i)
{
	if (i)
		tables_each_group(i->tables, mark_legs, search);
	return !i;
}

/* A configuration that cannot be read may refer to any. */
static void find_used(struct search *search)
{
	if (!instance_each((struct instance_query){}, search_instance, search))
		return;
	log_warn("what cannot be read counts as in use: the sender, the rings and all lists of collectors "
		 "stay");
	memset(search->used, true, sizeof(search->used));
	search->any = true;
}

static bool same_group(const struct mirror_group *a, const struct mirror_group *b)
{
	size_t start = offsetof(struct mirror_group, collectors);

	return !memcmp((const char *)a + start, (const char *)b + start, sizeof(*a) - start);
}

int groups_put(struct shared *shared, bool wanted[MIRROR_MAX_GROUPS], struct mirror_group *group)
{
	struct search search = { .shared = shared };
	struct mirror_group *slot;
	uint32_t id;

	for (int i = 0; i < MIRROR_MAX_GROUPS; i++) {
		if (shared->groups[i].id && same_group(&shared->groups[i], group)) {
			group->id = shared->groups[i].id;
			wanted[i] = true;
			return 0;
		}
	}
	find_used(&search);
	for (int i = 0; i < MIRROR_MAX_GROUPS; i++) {
		slot = &shared->groups[i];
		if (slot->id && (search.used[i] || wanted[i]))
			continue;
		id = slot->id ? slot->id + MIRROR_MAX_GROUPS : (uint32_t)(MIRROR_MAX_GROUPS + i);
		/* a sender that reads it meanwhile finds neither id */
		__atomic_store_n(&slot->id, 0, __ATOMIC_RELEASE);
		group->id = 0;
		*slot = *group;
		shared->state->stopped[i] = 0;
		__atomic_store_n(&slot->id, id, __ATOMIC_RELEASE);
		group->id = id;
		wanted[i] = true;
		return 0;
	}
	log_error("more than %d different lists of collectors on this host", MIRROR_MAX_GROUPS);
	return -ENOSPC;
}

bool groups_any_used(void)
{
	struct search search = {};

	find_used(&search);
	return search.any;
}
