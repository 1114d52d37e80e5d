/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Two small TCP servers: metrics for the machine itself, health for load balancers. */
#ifndef COLLECTOR_SERVE_H
#define COLLECTOR_SERVE_H

#include "report.h"

/* Listens at a port of 127.0.0.1, or of every address. The socket, or -errno after one log_error() line. */
int serve_listen(uint16_t port, bool loopback);

/* Answers a client that waits: whatever it asks, it gets the metrics. Takes a second at most. */
void serve_metrics(int listener, const struct report *report);

/* That the connection was accepted is the answer. */
void serve_health(int listener);

#endif
