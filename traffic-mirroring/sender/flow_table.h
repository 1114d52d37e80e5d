/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sender's use of the host's flow table (../abi/flows.h). Without one, flows have no class and no limit.
 * hash: 64 bits, of a flow; now: in the table's units of time.
 */
#pragma once

#include "../host/shared.h"

enum mirror_class flow_table_class(const struct shared *s, uint64_t hash);
void flow_table_set_class(const struct shared *s, uint64_t hash, enum mirror_class class, uint16_t now);

/* The flow's entry for `first` (flow_count_hash()). NULL: there is none. */
struct mirror_flow *flow_table_find(const struct shared *s, uint64_t hash);
/* The same, made if there is none. NULL: there is no table. */
struct mirror_flow *flow_table_get(const struct shared *s, uint64_t hash, uint16_t now);
