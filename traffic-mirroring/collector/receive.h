/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Receives datagrams from UDP and raw sockets, IPv4 and IPv6, many at a time. Each worker has its own UDP
 * sockets on the same ports; the kernel spreads the senders' addresses and ports over them. It does not
 * spread what raw sockets receive: the first worker has these.
 */
#pragma once

#include "listen.h"

struct receive_options {
	struct listen listen[LISTEN_MAX]; /* those of devices are not for sockets */
	uint32_t count;
	uint32_t buffer; /* bytes of receive buffer per socket */
};

/* What follows the header of UDP or IP; from a device: a frame. */
struct datagram {
	uint8_t *at; /* COPY_ROOM bytes before it may be overwritten */
	uint32_t len, wire_len; /* what there is of it, and what there was */
	enum mirror_format format;
	struct address source; /* family 0: a device */
	uint64_t time_ns; /* when the kernel received it, since 1970-01-01 00:00 UTC */
};

struct receive_sink {
	/* Each returns 0, or a negative number that ends receive_run(). */
	int (*datagram)(void *context, const struct datagram *d);
	/* No datagram is waiting now. late: flush the copies received so far. */
	int (*pause)(void *context, bool late);
	void *context;
};

struct receiver;

/*
 * Checks that the ports are free: another collector's sockets on them would receive a share of the copies. 0,
 * or -errno after one log_error() line.
 */
int receive_check(const struct receive_options *options);

/* One worker's sockets. raw: with those that only one worker may have. 0, or -errno after one log_error(). */
int receive_open(const struct receive_options *options, bool raw, struct receiver **receiver);

/* Receives until stop (an eventfd) is readable, then drains the sockets. 0 or the sink's negative result. */
int receive_run(struct receiver *receiver, int stop, const struct receive_sink *sink);

void receive_close(struct receiver *receiver);
