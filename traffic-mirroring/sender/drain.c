// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "drain.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "links.h"
#include "merge.h"

#define US 1000ULL
#define MS (1000 * US)

/* Bytes of records in a batch: few enough to stay in a core's cache and to free space in the rings soon. */
#define BATCH_BYTES (256 << 10)
/* Shorter sleeps make smaller batches, in which each copy costs more here and in the data path. */
#define NAP_NS (200 * US)
/* After this long without a record, wait for a wake-up. */
#define LINGER_NS (2 * MS)
/* A record whose producer read the flag just before it was set arrives within this time. */
#define FLAG_MS 1
#define LONG_SLEEP_MS 250 /* also the longest time between two signs of life */
#define ALIVE_NS (10 * MS)

#define ANSWERS_NS (100 * MS)
/* Routes change often on some hosts, and some changes (a path MTU that grows back) are not announced. */
#define LINKS_NS (500 * MS)
#define LINKS_MAX_NS (10 * SECOND_NS)
/* Limit for draining the rings when the sender ends. */
#define LAST_NS (2 * SECOND_NS)

static uint64_t monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void drain_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static void totals(const struct drain *d, uint64_t now, struct limits_input *in)
{
	const struct mirror_settings *settings = d->shared->settings;

	*in = (struct limits_input){
		.now_ns = now,
		.busy_ns = now - d->slept_ns,
		.copies = d->shared->sent[SENT_COPIES],
		.bits = d->shared->sent[SENT_BYTES] * 8,
		.max_copies = settings->max_rate.packets,
		.max_bits = settings->max_rate.bits,
		.fill = rings_fill(d->rings, d->n),
	};
	for (size_t i = 0; i < d->n; i++) {
		in->produced += ring_produced(&d->rings[i]);
		in->consumed += d->rings[i].position;
	}
}

static int watch(const struct drain *d, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .fd = fd } };

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event);
}

int drain_open(struct drain *d)
{
	uint64_t now = monotonic();
	struct limits_input in;
	sigset_t set;
	int err;

	drain_signals(&set);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->links = links_watch();
	err = d->links < 0 ? d->links : 0;
	if (!err &&
	    (d->signals < 0 || d->epoll < 0 || watch(d, d->signals, EPOLLIN) || watch(d, d->links, EPOLLIN)))
		err = -errno;
	/* edge-triggered: do not report a ring with records again while they are sent */
	for (size_t i = 0; i < d->n && !err; i++)
		err = watch(d, d->rings[i].fd, EPOLLIN | EPOLLET) ? -errno : 0;
	if (err) {
		log_error("cannot wait for records: %s", strerror(-err));
		return err;
	}
	links_refresh(&d->delivery->groups, d->shared);
	d->links_ns = d->worked_ns = now;
	totals(d, now, &in);
	limits_begin(&d->limits, d->shared->state->shed, &in);
	return 0;
}

static void show_life(const struct drain *d, uint64_t now)
{
	if (now - d->shared->state->alive_ns >= ALIVE_NS)
		__atomic_store_n(&d->shared->state->alive_ns, now, __ATOMIC_RELAXED);
}

static void take(struct drain *d, const struct mirror_record *r, uint32_t captured)
{
	count(&d->shared->sent[SENT_RECORDS], 1);
	if (r->flags & RECORD_UNDECIDED)
		hold_record(d->hold, r, captured);
	else
		deliver(d->delivery, r, captured);
}

/* Tells the data path how far this thread is. now: read before the rings were looked at. */
static void show_sent(const struct drain *d, uint64_t now)
{
	__atomic_store_n(&d->shared->state->sent_until[0], merge_done(d->rings, d->n, now), __ATOMIC_RELEASE);
}

static void send_taken(struct drain *d)
{
	batch_send(&d->delivery->batch);
	hold_sent(d->hold);
	for (size_t i = 0; i < d->n; i++)
		ring_release(&d->rings[i]);
}

/* Sends a batch of records from the rings. False: there was nothing to send yet. */
static bool drain_batch(struct drain *d, uint64_t now)
{
	const struct mirror_record *r;
	uint64_t until, start = 0, taken = 0;
	struct ring *ring;

	show_life(d, now);
	d->delivery->batch.now = now;
	while (taken < BATCH_BYTES && (ring = merge_next(d->rings, d->n, now, &until))) {
		start = ring->position;
		while (taken < BATCH_BYTES && (r = ring_peek(ring, now)) && r->time_ns <= until) {
			if (!taken)
				d->shared->sent[SENT_LAG_MS] = now > r->time_ns ? (now - r->time_ns) / MS : 0;
			take(d, r, ring_captured(ring, r));
			ring_take(ring);
			taken += ring->position - start;
			start = ring->position;
		}
		now = monotonic();
	}
	if (taken)
		send_taken(d);
	show_sent(d, now);
	return taken;
}

static bool any_record(const struct drain *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (ring_produced(&d->rings[i]) != d->rings[i].position)
			return true;
	return false;
}

/* Waits for a record, a signal or a change of links. True: one of these occurred. */
static bool wait_for(struct drain *d, int timeout_ms)
{
	struct signalfd_siginfo info;
	struct epoll_event events[8];
	int n = epoll_wait(d->epoll, events, sizeof(events) / sizeof(events[0]), timeout_ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == d->signals && read(d->signals, &info, sizeof(info)) == sizeof(info))
			d->signal = info.ssi_signo;
		else if (events[i].data.fd == d->links)
			d->links_dirty |= links_changed(d->links);
	}
	return n > 0;
}

static void nap(struct drain *d, uint64_t now)
{
	const struct timespec time = { .tv_nsec = NAP_NS };

	nanosleep(&time, NULL);
	d->slept_ns += monotonic() - now;
}

/*
 * The flag is set before the rings are checked again, and a producer reserves its record before it reads the
 * flag: one of the two sees the other. But neither waits until its stores are visible, hence the second
 * check.
 */
static void sleep_long(struct drain *d, uint64_t now)
{
	struct mirror_state *state = d->shared->state;

	d->shared->sent[SENT_LAG_MS] = 0;
	__atomic_store_n(&state->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!any_record(d) && !wait_for(d, FLAG_MS) && !any_record(d))
		wait_for(d, LONG_SLEEP_MS);
	__atomic_store_n(&state->sleeping, 0, __ATOMIC_RELAXED);
	d->slept_ns += monotonic() - now;
}

/* Periodic work other than records. */
static void look_around(struct drain *d, uint64_t now)
{
	struct limits_input in;

	d->step_ns = now;
	wait_for(d, 0);
	totals(d, now, &in);
	__atomic_store_n(&d->shared->state->shed, limits_step(&d->limits, &in), __ATOMIC_RELAXED);
	hold_expire(d->hold, now);
	group_limits_step(&d->group_limits, d->shared, now);
	if (now - d->answers_ns >= ANSWERS_NS) {
		d->answers_ns = now;
		groups_check_answers(&d->delivery->groups, now, d->shared->settings->failover);
		d->delivery->realtime = clock_ns(CLOCK_REALTIME) - monotonic();
	}
	if (now - d->links_ns >= (d->links_dirty ? LINKS_NS : LINKS_MAX_NS)) {
		d->links_ns = now;
		d->links_dirty = false;
		links_refresh(&d->delivery->groups, d->shared);
	}
}

/* Sends the records now in the rings, but not those that still arrive. */
static void drain_last(struct drain *d)
{
	uint64_t start = monotonic(), now, left;

	for (size_t i = 0; i < d->n; i++)
		d->rings[i].end = ring_produced(&d->rings[i]);
	do {
		left = 0;
		now = monotonic();
		if (!drain_batch(d, now))
			nap(d, now);
		for (size_t i = 0; i < d->n; i++)
			if (d->rings[i].position < d->rings[i].end)
				left += d->rings[i].end - d->rings[i].position;
	} while (left && now - start < LAST_NS);
	if (left)
		log_warn("%llu bytes of records are left in the rings", (unsigned long long)left);
}

/* The signal that ends the sender, or its stand-in. */
static int ending(struct drain *d)
{
	__u32 *ask = &d->shared->state->ask;

	if (!d->signal && __atomic_load_n(ask, __ATOMIC_RELAXED))
		d->signal = __atomic_exchange_n(ask, 0, __ATOMIC_RELAXED);
	return d->signal;
}

/* For a sender that does not continue where this one stops. */
static void forget_shed(const struct shared *s)
{
	s->state->shed = 0;
	memset(s->state->group_shed, 0, sizeof(s->state->group_shed));
	for (int i = 0; i < MIRROR_MAX_GROUPS * MIRROR_MAX_COLLECTORS; i++)
		s->collectors[i].shed = 0;
}

void drain_run(struct drain *d)
{
	struct mirror_state *state = d->shared->state;
	uint64_t now;

	while (!ending(d)) {
		now = monotonic();
		if (now - d->step_ns >= LIMITS_STEP_NS)
			look_around(d, now);
		if (drain_batch(d, now))
			d->worked_ns = now;
		else if (now - d->worked_ns < LINGER_NS)
			nap(d, now);
		else
			sleep_long(d, now);
	}
	if (d->signal != SIGUSR1) {
		state->present = 0;
		nap(d, monotonic()); /* for records that producers have already reserved */
	}
	drain_last(d);
	hold_end(d->hold);
	if (d->signal != SIGUSR1)
		forget_shed(d->shared);
	d->shared->sent[SENT_LAG_MS] = 0;
	state->alive_ns = 0;
}
