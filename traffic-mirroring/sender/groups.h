/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The open collector groups. The sender opens all of them at start, then drops its privileges: for a later
 * group the updater starts another sender, which continues where this one stopped. The group's id in the
 * collectors map tells the updater whether a sender has opened it.
 */
#pragma once

#include "../host/shared.h"
#include "collectors.h"
#include "spread.h"

struct group {
	struct mirror_group
		config; /* a copy: records in the rings keep their meaning when the slot gets another group */
	struct group *next; /* gets the same copies, too; NULL: none */
	bool down; /* there is no path to any of its collectors */
	struct spread_share share[MIRROR_MAX_COLLECTORS]; /* for spread_choose() */
	struct collector collector[MIRROR_MAX_COLLECTORS];
};

struct groups {
	struct group *slot[MIRROR_MAX_GROUPS]; /* NULL: free when the sender started */
};

/* 0 or -ENOMEM, after log_error(). Failing to open a collector's sockets is not an error here. */
int groups_open(struct groups *groups, const struct shared *shared);

/* Looks for all collectors' neighbours, and waits up to 0.1 s for them. Needs CAP_NET_ADMIN. */
void groups_await_neighbours(const struct groups *groups);

/* Writes to the collectors map which groups are open. Only the host's sender may call it. */
void groups_publish(const struct groups *groups, const struct shared *shared);

static inline struct group *groups_find(const struct groups *groups, uint32_t id)
{
	struct group *g = groups->slot[id % MIRROR_MAX_GROUPS];

	return g && g->config.id == id ? g : NULL;
}

/* Whether the copies to some collector are numbered, so that they can only be sent by one thread. */
bool groups_number_copies(const struct groups *groups);

/* The flow's collector; NULL: none is usable. */
struct collector *group_choose(struct group *g, uint32_t hash);

/* Reads the network's errors, removes unreachable collectors if failover is set, and probes them again. */
void groups_check_answers(struct groups *groups, uint64_t now, bool failover);
