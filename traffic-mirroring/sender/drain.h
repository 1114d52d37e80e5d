/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The loop of one thread of the sender: takes records from its rings in batches; sleeps briefly while there
 * is traffic, and lets the data path wake it when there is none.
 */
#pragma once

#include <stdbool.h>

#include "deliver.h"
#include "hold.h"
#include "../host/rings.h"

/* For the limits of the host, renewed every LIMITS_STEP_NS; other threads read it. */
struct drain_load {
	double fill; /* of its fullest ring */
	uint64_t produced, consumed; /* bytes of all its rings */
	uint64_t busy_ns; /* time that it was not asleep */
};

struct drain {
	struct shared shared; /* with its counters */
	struct ring *rings;
	size_t n;
	struct deliverer *delivery;
	struct hold *hold;
	struct drain_load load;
	int epoll, links; /* fds */
	bool links_dirty;
	uint64_t slept_ns; /* total */
	uint64_t worked_ns, step_ns, answers_ns, links_ns; /* CLOCK_MONOTONIC when last done */
	/*
	 * This thread has been given flows of so many others: it waits until they have sent all records up to
	 * this time. 0: none. The thread in charge sets it before the data path learns of it.
	 */
	unsigned int predecessors;
	uint64_t handover_ns;
	/* from the caller: */
	const int *signal; /* ends the loop; 0: none yet */
	int call; /* fd: readable when there is a signal */
	void (*lead)(void *ctx, uint64_t now); /* called every LIMITS_STEP_NS and at a signal; or NULL */
	void *lead_ctx;
};

/*
 * Prepares the loop of a thread; it takes n of the host's rings. Set signal and call first. 0 or a negative
 * errno, after log_error().
 */
int drain_open(struct drain *d, const struct shared *host, unsigned int thread, struct ring *rings, size_t n);

/* Runs until a signal comes, then sends the records left in the rings. */
void drain_run(struct drain *d);
