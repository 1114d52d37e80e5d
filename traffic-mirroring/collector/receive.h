/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Receives datagrams from UDP sockets, IPv4 and IPv6, many at a time. Each worker has its own sockets on the
 * same ports; the kernel spreads the senders' addresses and ports over them.
 */
#ifndef COLLECTOR_RECEIVE_H
#define COLLECTOR_RECEIVE_H

#include "../../common/address.h"
#include "../wire/decap.h"

#define RECEIVE_LISTEN_MAX 8

struct receive_options {
	struct receive_listen {
		enum mirror_format format;
		uint16_t port;
	} listen[RECEIVE_LISTEN_MAX];
	uint32_t count;
	uint32_t buffer; /* bytes of receive buffer per socket */
};

struct datagram {
	uint8_t *at; /* COPY_ROOM bytes before it may be overwritten */
	uint32_t len;
	enum mirror_format format;
	struct address source;
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

/* One worker's sockets. Returns 0, or -errno after one log_error() line. */
int receive_open(const struct receive_options *options, struct receiver **receiver);

/* Receives until stop (an eventfd) is readable, then drains the sockets. 0 or the sink's negative result. */
int receive_run(struct receiver *receiver, int stop, const struct receive_sink *sink);

void receive_close(struct receiver *receiver);

#endif
