/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Two small TCP servers: metrics for local clients, health for load balancers. */
#ifndef COLLECTOR_SERVE_H
#define COLLECTOR_SERVE_H

#include "report.h"

/* Listens at a port of 127.0.0.1, or of every address. The socket, or -errno after one log_error() line. */
int serve_listen(uint16_t port, bool loopback);

/* Sends the metrics to a waiting client, for any request. Takes at most a second. */
void serve_metrics(int listener, const struct report *report);

/* Accepting the connection is the response. */
void serve_health(int listener);

#endif
