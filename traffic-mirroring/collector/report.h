/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reports of the counters, for monitoring and for operators. */
#pragma once

#include <stdio.h>

#include "replay/replay.h"

struct report {
	const struct replay *replay; /* NULL: none */
	const struct replay_options *rules; /* its options */
};

/* Prometheus' text format. */
void report_metrics(const struct report *report, FILE *to);

/* Every counter, and the responses of each HTTP target. */
void report_summary(const struct report *report, FILE *to);

/* One line about the last second; on a terminal it replaces the previous one. */
void report_progress(const struct report *report, FILE *to, bool terminal);
