/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The host's flow table (../abi/flows.h): its size, and the data paths that use it. Functions return 0 or a
 * negative errno, after log_error().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../host/shared.h"

/* How many sets a table of at most so many bytes has: a power of two. */
uint32_t flow_table_sets(uint64_t memory);

/* Makes one of at most so many bytes, and pins it. */
int flow_table_add(uint64_t memory);

/*
 * Puts an empty one of another size in place of the one that is pinned, leads all data paths to it, ends the
 * sender, and maps it. All or nothing.
 */
int flow_table_resize(struct shared *host, uint64_t memory);

/* Whether a configuration of this host, active or kept for rollback, uses the flow table, or may. */
bool flow_table_used(void);
