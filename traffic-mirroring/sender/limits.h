/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How many flows are let through: all, until the sender cannot keep up or a rate limit is exceeded. Then the
 * share of flows that the data path sheds rises at once, until the rest can be sent completely, and falls
 * slowly, only as far as the rest is sure to fit: each change of the share breaks the flows in between.
 * The same for a collector, if the path to it is full.
 */
#pragma once

#include <stdint.h>

/* Current totals. */
struct limits_input {
	uint64_t now_ns; /* CLOCK_MONOTONIC */
	double fill; /* of the fullest ring: 0 to 1 */
	uint64_t produced, consumed; /* bytes of all rings together */
	uint64_t busy_ns; /* time that the sender was not asleep */
	uint64_t copies, bits; /* sent */
	uint64_t max_copies, max_bits; /* per second, 0: no limit */
};

struct limits {
	double keep; /* share of flows let through, 1: all */
	uint64_t grow_ns; /* earliest time to let more through */
	uint64_t patience_ns; /* wait before letting more through; longer after each wrong attempt */
	uint64_t grown_ns; /* when it last let more through */
	struct limits_input last,
		window; /* totals at the last step, and at the start of the window for rates */
};

/* shed: the value in force (struct mirror_state), left by the previous sender. */
void limits_begin(struct limits *l, uint32_t shed, const struct limits_input *in);

/* Call it about every LIMITS_STEP_NS. Returns the new struct mirror_state.shed. */
#define LIMITS_STEP_NS 10000000ULL
uint32_t limits_step(struct limits *l, const struct limits_input *in);
