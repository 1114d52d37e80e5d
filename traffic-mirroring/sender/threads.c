// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "threads.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "links.h"
#include "merge.h"

void threads_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* The signal that has come, or its stand-in; 0: none. */
static int received(const struct threads *t)
{
	struct signalfd_siginfo info;
	__u32 *ask = &t->shared->state->ask;

	if (read(t->signals, &info, sizeof(info)) == sizeof(info))
		return info.ssi_signo;
	return __atomic_load_n(ask, __ATOMIC_RELAXED) ? __atomic_exchange_n(ask, 0, __ATOMIC_RELAXED) : 0;
}

static void end_all(struct threads *t, int signal)
{
	const uint64_t one = 1;

	if (signal != SIGUSR1)
		__atomic_store_n(&t->shared->state->present, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&t->signal, signal, __ATOMIC_RELEASE);
	if (write(t->end, &one, sizeof(one)) < 0)
		log_error("cannot end the threads: %s", strerror(errno));
}

/* As many as the operator wants, or twice as many where a thread has no time left. */
static unsigned int threads_needed(const struct threads *t)
{
	unsigned int now = shared_threads(t->shared);

	if (t->shared->settings->threads)
		return t->n;
	if (now == t->n || !host_limits_busy(&t->limits) ||
	    groups_number_copies(&t->drain[0].delivery->groups))
		return now;
	return 2 * now;
}

/*
 * Divides the flows among more threads. The new ones wait until the others have sent the records that were
 * on their way: a packet that passes now may get its time a little later.
 */
static void widen(struct threads *t, unsigned int to, uint64_t now)
{
	unsigned int from = shared_threads(t->shared);

	for (unsigned int i = from; i < to; i++) {
		t->drain[i].handover_ns = now + MERGE_SKEW_NS;
		__atomic_store_n(&t->drain[i].predecessors, from, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&t->shared->state->thread_mask, to - 1, __ATOMIC_RELEASE);
	t->drain[0].worked_ns = now; /* do not sleep before that time */
	log_info("%u threads send", to);
}

/* What the thread in charge does beside its own work. */
static void lead(void *ctx, uint64_t now)
{
	struct threads *t = ctx;
	int signal = received(t);

	if (signal)
		end_all(t, signal);
	if (threads_needed(t) > shared_threads(t->shared))
		widen(t, threads_needed(t), now);
	host_limits_step(&t->limits, t->shared, t->drain, t->n, now);
	links_publish(&t->drain[0].delivery->groups, t->shared);
}

/* What a sender that was killed has left behind. */
static void forget_predecessor(const struct shared *shared, unsigned int n)
{
	struct mirror_state *state = shared->state;

	state->ask = 0; /* it was meant for the one before */
	state->thread_mask &= n - 1; /* rings of threads that are gone lead to those of the others */
	memset(state->sent_until, 0, sizeof(state->sent_until));
	memset(state->sleeping, 0, sizeof(state->sleeping));
	memset(state->alive_ns, 0, sizeof(state->alive_ns));
	for (unsigned int thread = 0; thread < MIRROR_MAX_THREADS; thread++) {
		shared->sent[thread * MIRROR_SENT_KEYS + SENT_LAG_MS] = 0;
		shared->sent[thread * MIRROR_SENT_KEYS + SENT_UNDECIDED] = 0;
	}
}

static int open_events(struct threads *t)
{
	sigset_t set;
	int err;

	threads_signals(&set);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	t->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->signals >= 0 && t->end >= 0)
		return 0;
	err = -errno;
	log_error("cannot wait for signals: %s", strerror(-err));
	return err;
}

int threads_open(struct threads *t, const struct shared *shared)
{
	struct drain *first = t->drain;
	size_t n;
	int err;

	*t = (struct threads){ .shared = shared };
	err = rings_open(&t->rings, &n, &t->n);
	if (err)
		return err;
	forget_predecessor(shared, t->n);
	n /= t->n;
	err = open_events(t);
	for (unsigned int i = 0; i < t->n && !err; i++) {
		t->drain[i].signal = &t->signal;
		t->drain[i].call = i ? t->end : t->signals;
		err = drain_open(&t->drain[i], shared, i, t->rings + i * n, n);
	}
	if (err)
		return err;
	first->lead = lead;
	first->lead_ctx = t;
	host_limits_begin(&t->limits, shared, t->drain, t->n, clock_ns(CLOCK_MONOTONIC));
	links_publish(&first->delivery->groups, shared);
	groups_await_neighbours(&first->delivery->groups);
	return 0;
}

void threads_publish(const struct threads *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		groups_publish(&t->drain[i].delivery->groups, &t->drain[i].shared);
}

static void *run(void *ctx)
{
	struct drain *d = ctx;
	struct threads *t = d->lead_ctx;

	pthread_barrier_wait(&t->barrier); /* it has made the system calls of a thread's start */
	pthread_barrier_wait(&t->barrier);
	drain_run(d);
	return NULL;
}

int threads_make(struct threads *t)
{
	int err = -pthread_barrier_init(&t->barrier, NULL, t->n);

	for (unsigned int i = 1; i < t->n && !err; i++) {
		t->drain[i].lead_ctx = t;
		err = -pthread_create(&t->thread[i], NULL, run, &t->drain[i]);
	}
	if (err)
		log_error("cannot make a thread: %s", strerror(-err));
	else
		pthread_barrier_wait(&t->barrier);
	return err;
}

/* For a sender that does not continue where this one stops. */
static void forget_shed(const struct shared *s)
{
	s->state->shed = 0;
	memset(s->state->group_shed, 0, sizeof(s->state->group_shed));
	for (int i = 0; i < MIRROR_MAX_THREADS * MIRROR_COLLECTORS; i++)
		s->collectors[i].shed = 0;
}

void threads_run(struct threads *t)
{
	pthread_barrier_wait(&t->barrier);
	drain_run(&t->drain[0]);
	for (unsigned int i = 1; i < t->n; i++)
		pthread_join(t->thread[i], NULL);
	if (t->signal != SIGUSR1)
		forget_shed(t->shared);
}
