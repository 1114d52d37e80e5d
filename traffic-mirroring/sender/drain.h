/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sender's loop: takes records from the rings in batches; sleeps briefly while there is traffic, and lets
 * the data path wake it when there is none.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "deliver.h"
#include "group_limits.h"
#include "hold.h"
#include "limits.h"
#include "../host/rings.h"

struct drain {
	const struct shared *shared;
	struct ring *rings;
	size_t n;
	struct deliverer *delivery;
	struct hold *hold;
	struct limits limits;
	struct group_limits group_limits;
	int epoll, signals, links; /* fds */
	int signal; /* the one that ends the loop; 0: none yet */
	bool links_dirty;
	uint64_t slept_ns; /* total */
	uint64_t worked_ns, step_ns, answers_ns, links_ns; /* CLOCK_MONOTONIC when last done */
};

/* The signals that end the loop (../abi/host.h); they are blocked. */
void drain_signals(sigset_t *set);

/*
 * Prepares the loop. Set shared, rings, n, delivery and hold first. 0 or a negative errno, after log_error().
 */
int drain_open(struct drain *d);

/* Runs until a signal comes, then sends the records left in the rings. */
void drain_run(struct drain *d);
