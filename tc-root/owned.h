/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which maps belong to programs. */
#pragma once

#include "holders.h"

/*
 * Adds a program, its maps, and what these lead to: the programs in its program arrays, with their maps.
 * 0 or a negative errno; a program or map that is gone meanwhile is left out.
 */
int owned_add(struct bpf_ids *ids, uint32_t prog_id);

/*
 * Whether an open map is one of them. An object's maps that no program of it uses are known by their name
 * where the kernel has truncated it, as it has that of the others.
 */
bool owned_has(const struct bpf_ids *ids, int map_fd);
