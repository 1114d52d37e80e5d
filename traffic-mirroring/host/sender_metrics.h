/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* Prints the counters of the host's sender in Prometheus' text format. Without rings prints nothing. */
int sender_metrics_print(void);
