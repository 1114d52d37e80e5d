// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_limits.h"

#include "../../common/clock.h"

/* Beyond these, a thread will not keep up for long. */
#define FILL 0.25
#define BUSY 0.9
#define BUSY_NS (SECOND_NS / 5)

/* One thread's load, as it has last reported it. */
static void add(struct limits_input *in, const struct drain_load *load)
{
	double fill;

	__atomic_load(&load->fill, &fill, __ATOMIC_RELAXED);
	if (fill > in->fill)
		in->fill = fill;
	in->produced += __atomic_load_n(&load->produced, __ATOMIC_RELAXED);
	in->consumed += __atomic_load_n(&load->consumed, __ATOMIC_RELAXED);
}

/* Flows stay with their thread: no thread is relieved by another that has time. */
static uint64_t busiest(struct host_limits *l, const struct drain *drain, unsigned int n)
{
	uint64_t most = 0, busy;

	for (unsigned int i = 0; i < n; i++) {
		busy = __atomic_load_n(&drain[i].load.busy_ns, __ATOMIC_RELAXED);
		if (busy - l->last_busy_ns[i] > most)
			most = busy - l->last_busy_ns[i];
		l->last_busy_ns[i] = busy;
	}
	return l->busy_ns += most;
}

static struct limits_input totals(struct host_limits *l, const struct shared *s, const struct drain *drain,
				  unsigned int n, uint64_t now)
{
	struct limits_input in = {
		.now_ns = now,
		.busy_ns = busiest(l, drain, n),
		.copies = shared_sent(s, SENT_COPIES),
		.bits = shared_sent(s, SENT_BYTES) * 8,
		.max_copies = s->settings->max_rate.packets,
		.max_bits = s->settings->max_rate.bits,
	};

	for (unsigned int i = 0; i < n; i++)
		add(&in, &drain[i].load);
	return in;
}

void host_limits_begin(struct host_limits *l, const struct shared *s, const struct drain *drain,
		       unsigned int n, uint64_t now)
{
	const struct limits_input in = totals(l, s, drain, n, now);

	limits_begin(&l->limits, s->state->shed, &in);
}

bool host_limits_busy(const struct host_limits *l)
{
	const struct limits_input *now = &l->limits.last, *from = &l->limits.window;
	uint64_t time = now->now_ns - from->now_ns;

	return now->fill > FILL || (time >= BUSY_NS && now->busy_ns - from->busy_ns > BUSY * time);
}

void host_limits_step(struct host_limits *l, const struct shared *s, const struct drain *drain,
		      unsigned int n, uint64_t now)
{
	const struct limits_input in = totals(l, s, drain, n, now);

	__atomic_store_n(&s->state->shed, limits_step(&l->limits, &in), __ATOMIC_RELAXED);
	__atomic_store_n(&s->state->limited, in.max_copies || in.max_bits, __ATOMIC_RELAXED);
	group_limits_step(&l->groups, s, now);
}
