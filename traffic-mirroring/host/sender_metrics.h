/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MIRRORING_SENDER_METRICS_H
#define MIRRORING_SENDER_METRICS_H

/* Prints the counters of the host's sender in Prometheus' text format. Without rings prints nothing. */
int sender_metrics_print(void);

#endif
