/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Limits requests to a rate, in bursts of at most a tenth of a second's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t rate; /* requests per second; 0: any */
	double tokens; /* requests that may be sent now */
	uint64_t at_ns; /* when tokens was updated */
};

void pace_begin(struct pace *p, uint64_t rate, uint64_t now_ns);

/* Whether one more may be sent; if so, it counts as sent. now_ns: any monotonic clock. */
bool pace_allows(struct pace *p, uint64_t now_ns);
