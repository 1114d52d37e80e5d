// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "groups.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/log.h"
#include "instance.h"

static void mark_used(void *ctx, uint32_t group)
{
	((bool *)ctx)[group % MIRROR_MAX_GROUPS] = true;
}

static int mark_instance(void *used, const struct instance *i)
{
	if (i)
		tables_each_group(i->tables, mark_used, used);
	return !i;
}

/*
 * Which slots the configurations of this host refer to, active or kept for rollback. One that cannot be read
 * may refer to any.
 */
static void find_used(bool used[MIRROR_MAX_GROUPS])
{
	memset(used, 0, MIRROR_MAX_GROUPS * sizeof(*used));
	if (!instance_each((struct instance_query){}, mark_instance, used))
		return;
	log_warn("what cannot be read counts as in use: the sender, the rings and all lists of collectors "
		 "stay");
	memset(used, true, MIRROR_MAX_GROUPS * sizeof(*used));
}

static bool same_group(const struct mirror_group *a, const struct mirror_group *b)
{
	size_t start = offsetof(struct mirror_group, collectors);

	return !memcmp((const char *)a + start, (const char *)b + start, sizeof(*a) - start);
}

int groups_put(struct shared *shared, bool wanted[MIRROR_MAX_GROUPS], struct mirror_group *group)
{
	bool used[MIRROR_MAX_GROUPS];
	struct mirror_group *slot;
	uint32_t id;

	for (int i = 0; i < MIRROR_MAX_GROUPS; i++) {
		if (shared->groups[i].id && same_group(&shared->groups[i], group)) {
			group->id = shared->groups[i].id;
			wanted[i] = true;
			return 0;
		}
	}
	find_used(used);
	for (int i = 0; i < MIRROR_MAX_GROUPS; i++) {
		slot = &shared->groups[i];
		if (slot->id && (used[i] || wanted[i]))
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
	bool used[MIRROR_MAX_GROUPS];

	find_used(used);
	return memchr(used, true, sizeof(used));
}
