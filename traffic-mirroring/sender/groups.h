/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The groups of collectors, opened. All are opened when the sender starts, and it then gives its privileges up: for a group
 * that comes later the updater starts another sender, which finds the records where this one stopped. It
 * knows by the group's id in the collectors map whether a sender has opened it.
 */
#ifndef MIRRORING_GROUPS_H
#define MIRRORING_GROUPS_H

#include "../host/shared.h"
#include "collectors.h"
#include "spread.h"

struct group {
	struct mirror_group
		config; /* as it was: copies on their way keep their meaning when the slot gets another group */
	struct spread_share share[MIRROR_MAX_COLLECTORS]; /* for spread_choose() */
	struct collector collector[MIRROR_MAX_COLLECTORS];
};

struct groups {
	struct group *slot[MIRROR_MAX_GROUPS]; /* NULL: free when the sender started */
};

/* 0 or -ENOMEM, after log_error(); a collector whose sockets cannot be opened is none of this. */
int groups_open(struct groups *groups, const struct shared *shared);

/* Says in the collectors map which groups are open. To be called by the one sender there is. */
void groups_publish(const struct groups *groups, const struct shared *shared);

static inline struct group *groups_find(const struct groups *groups, uint32_t id)
{
	struct group *g = groups->slot[id % MIRROR_MAX_GROUPS];

	return g && g->config.id == id ? g : NULL;
}

/* The flow's collector, NULL: none can be used. */
struct collector *group_choose(struct group *g, uint32_t hash);

/* Reads what the network answered, takes out collectors that refuse copies if failover is set, and tries them again. */
void groups_check_answers(struct groups *groups, uint64_t now, bool failover);

#endif
