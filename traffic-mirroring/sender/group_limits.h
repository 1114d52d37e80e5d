/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flows that the data path sheds for one group: for the rate limit of a filter (max-rate), each of which has
 * its own group, and those that all collectors of the group shed.
 */
#pragma once

#include "limits.h"
#include "../host/shared.h"

/* By slot. All zeros: no data yet. */
struct group_limits {
	uint32_t group[MIRROR_MAX_GROUPS]; /* id of the group that limits belong to, 0: none */
	struct limits limits[MIRROR_MAX_GROUPS];
};

/* Call it as often as limits_step(); sets struct mirror_state.group_shed. */
void group_limits_step(struct group_limits *l, const struct shared *s, uint64_t now_ns);
