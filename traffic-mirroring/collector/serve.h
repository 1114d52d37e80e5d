/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Two small TCP servers: metrics for local clients, health for load balancers. */
#pragma once

#include "../../common/address.h"
#include "report.h"

/*
 * Listens at a port of an address; family 0: of every address. The socket, which does not block, or -errno
 * after one log_error() line.
 */
int serve_listen(const struct address *address, uint16_t port);

/* Sends the metrics to a waiting client, for any request. Takes at most a second. */
void serve_metrics(int listener, const struct report *report);

/* Accepting the connection is the response. */
void serve_health(int listener);
