/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flows that the data path sheds, for the whole host and by group: from the loads of all threads. */
#pragma once

#include "drain.h"
#include "group_limits.h"
#include "limits.h"

struct host_limits {
	struct limits limits;
	struct group_limits groups;
	uint64_t busy_ns; /* of the busiest thread at any time, added up */
	uint64_t last_busy_ns[MIRROR_MAX_THREADS];
};

/* drain: n threads. now: CLOCK_MONOTONIC. */
void host_limits_begin(struct host_limits *l, const struct shared *s, const struct drain *drain,
		       unsigned int n, uint64_t now);

/* Whether a thread has hardly any time left: before flows are shed, more threads can help. */
bool host_limits_busy(const struct host_limits *l);

/* Call it about every LIMITS_STEP_NS; sets struct mirror_state.shed and group_shed. */
void host_limits_step(struct host_limits *l, const struct shared *s, const struct drain *drain,
		      unsigned int n, uint64_t now);
