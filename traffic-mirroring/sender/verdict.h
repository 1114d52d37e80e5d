/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the data path does once a packet's filter is known, for those that waited for it in the sender. */
#pragma once

#include "../abi/record.h"
#include "../host/shared.h"

/*
 * Completes the record of an undecided packet for deliver(): filter is an index, v its row. False: no copy of
 * it is wanted.
 */
bool verdict_apply(const struct shared *s, const struct mirror_verdict *v, int filter,
		   struct mirror_record *r, uint32_t captured);
