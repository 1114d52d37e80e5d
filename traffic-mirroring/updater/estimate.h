/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a count rule would send if it were a mirror rule. Needs no kernel. */
#pragma once

#include "tables.h"

/* At most, per second, at the collectors that the options name. */
struct estimate {
	double packets, bits;
};

/* n: what the rule has counted in these seconds. */
struct estimate estimate_copies(const struct mirror_filter *row, struct filter_counts n, double seconds,
				const struct delivery *d);
