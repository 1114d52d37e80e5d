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

/* What the thread in charge does beside its own work. */
static void lead(void *ctx, uint64_t now)
{
	struct threads *t = ctx;
	int signal = received(t);

	if (signal)
		end_all(t, signal);
	host_limits_step(&t->limits, t->shared, t->drain, t->n, now);
	links_publish(&t->drain[0].delivery->groups, t->shared);
}

/* What a sender that was killed has left behind. */
static void forget_predecessor(const struct shared *shared)
{
	struct mirror_state *state = shared->state;

	state->ask = 0; /* it was meant for the one before */
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
	err = rings_open(&t->rings, &n);
	if (err)
		return err;
	forget_predecessor(shared);
	t->n = 1;
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

/* A thread waits, until it can no longer do more than the first one. */
static void *run(void *ctx)
{
	struct drain *d = ctx;
	struct threads *t = d->lead_ctx;

	pthread_barrier_wait(&t->go);
	drain_run(d);
	return NULL;
}

int threads_make(struct threads *t)
{
	int err = -pthread_barrier_init(&t->go, NULL, t->n);

	for (unsigned int i = 1; i < t->n && !err; i++) {
		t->drain[i].lead_ctx = t;
		err = -pthread_create(&t->thread[i], NULL, run, &t->drain[i]);
	}
	if (err)
		log_error("cannot make a thread: %s", strerror(-err));
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
	pthread_barrier_wait(&t->go);
	drain_run(&t->drain[0]);
	for (unsigned int i = 1; i < t->n; i++)
		pthread_join(t->thread[i], NULL);
	if (t->signal != SIGUSR1)
		forget_shed(t->shared);
}
