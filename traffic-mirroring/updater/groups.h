/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The collector groups of this host: which are in use, and slots for new ones. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../host/shared.h"

/*
 * Finds or makes the group with these contents, and sets its id. wanted marks, by slot, the groups of the
 * configuration to come, to which no map refers yet. 0, or -ENOSPC after log_error(): all slots are in use.
 */
int groups_put(struct shared *shared, bool wanted[MIRROR_MAX_GROUPS], struct mirror_group *group);

/* Whether a configuration of this host, active or kept for rollback, refers to a group. */
bool groups_any_used(void);
