/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From a record to its copies in the batch: segment, choose the collectors, encapsulate, fit. */
#pragma once

#include "../abi/record.h"
#include "../wire/flow.h"
#include "batch.h"
#include "groups.h"

struct deliverer {
	const struct shared *shared;
	struct groups groups;
	struct flow_fragments fragments;
	struct batch batch;
	struct deliverer_route { /* of the last copy of a filter */
		uint32_t filter, group;
	} last[256];
	uint64_t realtime; /* CLOCK_REALTIME minus CLOCK_MONOTONIC */
};

/*
 * Makes the copies of a record with captured bytes of data. They refer to these bytes until the batch is
 * sent; a full batch is sent at once.
 */
void deliver(struct deliverer *d, const struct mirror_record *r, uint32_t captured);
