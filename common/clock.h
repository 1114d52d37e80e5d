/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Time. */
#pragma once

#include <stdint.h>
#include <time.h>

#define SECOND_NS 1000000000ULL

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* Between two looks at something that has no notification. */
static inline void sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}
