/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sender's threads. Each has rings, sockets and counters of its own, and the flows that their hash gives
 * to it: it shares nothing with the others, and a flow keeps its order. The first one is also in charge of
 * what the host has once: signals, limits, stopped groups.
 */
#pragma once

#include <pthread.h>
#include <signal.h>

#include "drain.h"
#include "host_limits.h"

struct threads {
	const struct shared *shared;
	struct drain drain[MIRROR_MAX_THREADS];
	unsigned int n; /* of threads; flows are divided among the first ones, see shared_threads() */
	struct ring *rings; /* of all threads */
	struct host_limits limits;
	int signals, end; /* fds: the first thread has got a signal; all others are to end */
	int signal; /* the one that ends them; 0: none yet */
	pthread_t thread[MIRROR_MAX_THREADS];
	pthread_barrier_t barrier; /* for their start */
};

/* The signals that end the threads (../abi/host.h); they are blocked. */
void threads_signals(sigset_t *set);

/* Opens rings and sockets, which takes privileges. 0 or a negative errno, after log_error(). */
int threads_open(struct threads *t, const struct shared *shared);

/* Writes to the collectors map which groups are open. */
void threads_publish(const struct threads *t);

/* Makes the other threads; they wait for threads_run(). 0 or a negative errno, after log_error(). */
int threads_make(struct threads *t);

/* Runs them, this one as the first, until a signal comes; then they send the records left in the rings. */
void threads_run(struct threads *t);
