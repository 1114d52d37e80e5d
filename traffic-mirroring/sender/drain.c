// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "drain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
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

static void report(struct drain *d, uint64_t now)
{
	double fill = rings_fill(d->rings, d->n);
	uint64_t produced = 0, consumed = 0;

	for (size_t i = 0; i < d->n; i++) {
		produced += ring_produced(&d->rings[i]);
		consumed += d->rings[i].position;
	}
	__atomic_store(&d->load.fill, &fill, __ATOMIC_RELAXED);
	__atomic_store_n(&d->load.produced, produced, __ATOMIC_RELAXED);
	__atomic_store_n(&d->load.consumed, consumed, __ATOMIC_RELAXED);
	__atomic_store_n(&d->load.busy_ns, now - d->slept_ns, __ATOMIC_RELAXED);
}

static void show_life(const struct drain *d, uint64_t now)
{
	__u64 *alive = &d->shared.state->alive_ns[d->shared.thread];

	if (now - *alive >= ALIVE_NS)
		__atomic_store_n(alive, now, __ATOMIC_RELAXED);
}

static int watch(const struct drain *d, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .fd = fd } };

	return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_events(struct drain *d)
{
	int err;

	d->epoll = epoll_create1(EPOLL_CLOEXEC);
	d->links = links_watch();
	err = d->links < 0 ? d->links : 0;
	if (!err && (d->epoll < 0 || watch(d, d->call, EPOLLIN) || watch(d, d->links, EPOLLIN)))
		err = -errno;
	/* edge-triggered: do not report a ring with records again while they are sent */
	for (size_t i = 0; i < d->n && !err; i++)
		if (!d->rings[i].near)
			err = watch(d, d->rings[i].fd, EPOLLIN | EPOLLET) ? -errno : 0;
	if (err)
		log_error("cannot wait for records: %s", strerror(-err));
	return err;
}

int drain_open(struct drain *d, const struct shared *host, unsigned int thread, struct ring *rings, size_t n)
{
	int err;

	d->shared = shared_for_thread(host, thread);
	d->rings = rings;
	d->n = n;
	d->delivery = calloc(1, sizeof(*d->delivery));
	d->hold = d->delivery ? hold_new(&d->shared, d->delivery) : NULL;
	if (!d->hold) {
		log_error("no memory for copies");
		return -ENOMEM;
	}
	d->delivery->shared = d->delivery->batch.shared = &d->shared;
	err = groups_open(&d->delivery->groups, &d->shared);
	if (!err)
		err = open_events(d);
	if (err)
		return err;
	links_refresh(&d->delivery->groups);
	d->links_ns = d->worked_ns = monotonic();
	report(d, d->worked_ns);
	show_life(d, d->worked_ns);
	return 0;
}

static void take(struct drain *d, const struct mirror_record *r, uint32_t captured)
{
	count(&d->shared.sent[SENT_RECORDS], 1);
	if (r->flags & RECORD_UNDECIDED)
		hold_record(d->hold, r, captured);
	else
		deliver(d->delivery, r, captured);
}

/* Tells the data path how far this thread is. now: read before the rings were looked at. */
static void show_sent(const struct drain *d, uint64_t now)
{
	__atomic_store_n(&d->shared.state->sent_until[d->shared.thread], merge_done(d->rings, d->n, now),
			 __ATOMIC_RELEASE);
}

static void send_taken(struct drain *d)
{
	batch_send(&d->delivery->batch);
	hold_sent(d->hold);
	for (size_t i = 0; i < d->n; i++)
		ring_release(&d->rings[i]);
}

/* A thread that is not needed yet must not tell the data path that it has sent what is not in its rings. */
static bool is_needed(const struct drain *d)
{
	return d->shared.thread < shared_threads(&d->shared);
}

static unsigned int predecessors(const struct drain *d)
{
	return __atomic_load_n(&d->predecessors, __ATOMIC_ACQUIRE);
}

/* Whether the records that other threads have of this one's flows have been sent. */
static bool has_taken_over(struct drain *d)
{
	for (unsigned int i = predecessors(d); i--;)
		if (__atomic_load_n(&d->shared.state->sent_until[i], __ATOMIC_ACQUIRE) < d->handover_ns)
			return false;
	__atomic_store_n(&d->predecessors, 0, __ATOMIC_RELAXED);
	return true;
}

/* Sends a batch of records from the rings. False: there was nothing to send yet. */
static bool drain_batch(struct drain *d, uint64_t now)
{
	const struct mirror_record *r;
	uint64_t until, start = 0, taken = 0;
	struct ring *ring;

	show_life(d, now);
	if (!is_needed(d) || (predecessors(d) && !has_taken_over(d)))
		return false;
	d->delivery->batch.now = now;
	while (taken < BATCH_BYTES && (ring = merge_next(d->rings, d->n, now, &until))) {
		start = ring->position;
		while (taken < BATCH_BYTES && (r = ring_peek(ring, now)) && r->time_ns <= until) {
			if (!taken)
				d->shared.sent[SENT_LAG_MS] = now > r->time_ns ? (now - r->time_ns) / MS : 0;
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
	struct epoll_event events[8];
	int n = epoll_wait(d->epoll, events, sizeof(events) / sizeof(events[0]), timeout_ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == d->call)
			d->step_ns = 0;
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
 * The flag is set before the rings are checked again, and a producer puts its record into a ring before it
 * reads the flag: one of the two sees the other. But producers do not wait until their stores are visible,
 * hence the second check.
 */
static void sleep_long(struct drain *d, uint64_t now)
{
	__u8 *sleeping = &d->shared.state->sleeping[d->shared.thread];

	d->shared.sent[SENT_LAG_MS] = 0;
	__atomic_store_n(sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!any_record(d) && !wait_for(d, FLAG_MS) && !any_record(d))
		wait_for(d, LONG_SLEEP_MS);
	__atomic_store_n(sleeping, 0, __ATOMIC_RELAXED);
	d->slept_ns += monotonic() - now;
}

/* Periodic work other than records. */
static void look_around(struct drain *d, uint64_t now)
{
	wait_for(d, 0);
	d->step_ns = now;
	report(d, now);
	hold_keep_own(d->hold);
	hold_expire(d->hold, now);
	if (now - d->answers_ns >= ANSWERS_NS) {
		d->answers_ns = now;
		groups_check_answers(&d->delivery->groups, now, d->shared.settings->failover);
		d->delivery->realtime = clock_ns(CLOCK_REALTIME) - monotonic();
	}
	if (now - d->links_ns >= (d->links_dirty ? LINKS_NS : LINKS_MAX_NS)) {
		d->links_ns = now;
		d->links_dirty = false;
		links_refresh(&d->delivery->groups);
	}
	if (d->lead)
		d->lead(d->lead_ctx, now);
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

void drain_run(struct drain *d)
{
	uint64_t now;

	for (;;) {
		now = monotonic();
		if (now - d->step_ns >= LIMITS_STEP_NS)
			look_around(d, now);
		if (__atomic_load_n(d->signal, __ATOMIC_ACQUIRE))
			break;
		if (drain_batch(d, now))
			d->worked_ns = now;
		else if (now - d->worked_ns < LINGER_NS || predecessors(d))
			nap(d, now);
		else
			sleep_long(d, now);
	}
	if (*d->signal != SIGUSR1)
		nap(d, monotonic()); /* for records that producers are writing */
	drain_last(d);
	hold_end(d->hold);
	d->shared.sent[SENT_LAG_MS] = 0;
	d->shared.state->alive_ns[d->shared.thread] = 0;
}
