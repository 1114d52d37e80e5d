/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What has happened so far, for machines and people. */
#ifndef COLLECTOR_REPORT_H
#define COLLECTOR_REPORT_H

#include <stdio.h>

#include "replay/replay.h"

struct report {
	const struct replay *replay; /* NULL: none */
	const struct replay_options *rules; /* what it was started with */
};

/* Prometheus' text format. */
void report_metrics(const struct report *report, FILE *to);

/* Every counter, and per target how it answered. */
void report_summary(const struct report *report, FILE *to);

/* One line about the last second, which takes the place of the one before on a terminal. */
void report_progress(const struct report *report, FILE *to, bool terminal);

#endif
