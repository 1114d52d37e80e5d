/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Datagrams out of UDP sockets, IPv4 and IPv6, many at a time. Each worker has sockets of its own on the same ports; the
 * kernel spreads the senders' addresses and ports over them.
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
	uint32_t buffer; /* bytes that the kernel keeps for each socket */
};

struct datagram {
	uint8_t *at; /* COPY_ROOM bytes before it may be written to */
	uint32_t len;
	enum mirror_format format;
	struct address source;
	uint64_t time_ns; /* when the kernel got it, since 1970-01-01 00:00 UTC */
};

struct receive_sink {
	/* Each returns 0, or a negative number that ends receive_run(). */
	int (*datagram)(void *context, const struct datagram *d);
	/* No datagram waits for now. late: what has come so far should go on its way. */
	int (*pause)(void *context, bool late);
	void *context;
};

struct receiver;

/*
 * That nobody else listens there: the workers' sockets would share their copies with those of another collector. 0, or
 * -errno after one log_error() line.
 */
int receive_check(const struct receive_options *options);

/* One worker's sockets. Returns 0, or -errno after one log_error() line. */
int receive_open(const struct receive_options *options, struct receiver **receiver);

/* Until stop (an eventfd) is readable; then what the kernel still has is received. 0 or the sink's number. */
int receive_run(struct receiver *receiver, int stop, const struct receive_sink *sink);

void receive_close(struct receiver *receiver);

#endif
