/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads capture files. The outputs set the pace, so that none of them loses a packet. Without --listen, the
 * packets are copies themselves; with it, copies are what a socket or device would have received.
 */
#pragma once

#include "pipeline.h"

#define READ_MAX 256

struct read_options {
	const char *path[READ_MAX]; /* "-": stdin */
	uint32_t count;
};

struct reader;

/* Opens all files. listen must outlive it. 0, or a negative errno after one log_error() line. */
int read_open(const struct read_options *options, const struct receive_options *listen,
	      struct reader **reader);

/*
 * Reads one file after the other, and returns when the outputs have nothing more to do, or when stop (an
 * eventfd) is readable. SIGUSR1, which must have a handler, interrupts it. 0, the negative result of an
 * output, or 1 after log_error().
 */
int read_run(struct reader *reader, int stop, struct pipeline *pipeline);

void read_close(struct reader *reader); /* NULL is fine */

/* Turns a frame into what a listener would have received of it; false: nothing. */
bool read_listens(const struct listen *listen, const struct datagram *frame, struct datagram *d);
