// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "limits.h"

#include "../../common/clock.h"

#define WINDOW_NS (SECOND_NS / 2) /* for measuring rates */
#define PATIENCE_NS SECOND_NS
#define PATIENCE_MAX_NS (64 * SECOND_NS)

#define KEEP_MIN (1.0 / 1024)
#define SHRINK_MIN 1.05
#define SHRINK_MAX 4.0
#define GROW_MAX 1.25
#define GROW_MIN 1.01 /* less is not worth the flows that a change breaks */

#define FULL 0.5 /* a ring this full shows that the sender does not keep up */
#define EMPTY 0.125
#define DRAIN 1.1 /* how fast a full ring should drain */
#define BUSY_AIM 0.8 /* how busy the sender may become when more flows are let through */
#define RATE_AIM 0.95

void limits_begin(struct limits *l, uint32_t shed, const struct limits_input *in)
{
	*l = (struct limits){
		.keep = 1 - (double)shed / UINT32_MAX,
		.patience_ns = PATIENCE_NS,
		.grow_ns = in->now_ns + PATIENCE_NS,
		.last = *in,
		.window = *in,
	};
	if (l->keep < KEEP_MIN)
		l->keep = KEEP_MIN;
}

static double ratio(uint64_t a, double b)
{
	return b > 0 ? (double)a / b : a ? SHRINK_MAX : 0;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

/* Ratio of records produced to records consumed, when the rings are full. */
static double ring_load(const struct limits *l, const struct limits_input *in)
{
	/* a ring that is full once may only mean that the sender had to wait for a CPU */
	if (in->fill < FULL || l->last.fill < FULL)
		return 0;
	return DRAIN * ratio(in->produced - l->last.produced, in->consumed - l->last.consumed);
}

/* The rate in the window, relative to the limit. */
static double rate_load(const struct limits *l, const struct limits_input *in)
{
	double seconds = (double)(in->now_ns - l->window.now_ns) / SECOND_NS, load = 0;

	if (in->max_copies)
		load = ratio(in->copies - l->window.copies, in->max_copies * seconds);
	if (in->max_bits)
		load = larger(load, ratio(in->bits - l->window.bits, in->max_bits * seconds));
	return load;
}

static void shrink(struct limits *l, double load, uint64_t now)
{
	l->keep /= smaller(larger(load, SHRINK_MIN), SHRINK_MAX);
	l->keep = larger(l->keep, KEEP_MIN);
	/* the last growth let too many through */
	if (l->grown_ns && now - l->grown_ns < 2 * l->patience_ns)
		l->patience_ns = smaller(2 * l->patience_ns, PATIENCE_MAX_NS);
	l->grown_ns = 0;
	l->grow_ns = now + l->patience_ns;
}

static void grow(struct limits *l, const struct limits_input *in, double rate)
{
	double busy = ratio(in->busy_ns - l->window.busy_ns, in->now_ns - l->window.now_ns);
	double factor = smaller(GROW_MAX, BUSY_AIM / larger(busy, 0.01));

	if (rate > 0)
		factor = smaller(factor, RATE_AIM / rate);
	if (l->keep == 1 || factor < GROW_MIN || in->fill > EMPTY || in->now_ns < l->grow_ns)
		return;
	l->keep *= factor;
	l->grown_ns = in->now_ns;
	l->grow_ns = in->now_ns + l->patience_ns;
	if (l->keep >= 1) {
		l->keep = 1;
		l->patience_ns = PATIENCE_NS;
	}
}

uint32_t limits_step(struct limits *l, const struct limits_input *in)
{
	double load = ring_load(l, in);

	if (load > 1)
		shrink(l, load, in->now_ns);
	l->last = *in;
	if (in->now_ns - l->window.now_ns >= WINDOW_NS) {
		double rate = rate_load(l, in);

		if (rate > 1)
			shrink(l, rate / RATE_AIM, in->now_ns);
		else if (load <= 1)
			grow(l, in, rate);
		l->window = *in;
	}
	return (uint32_t)((1 - l->keep) * UINT32_MAX);
}
