/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Writes copies to a capture file, to a series of them, or to stdout, in a thread of its own: a slow disk or
 * reader delays nobody. Copies that find no room in its buffer are dropped and counted. Thread-safe.
 */
#pragma once

#include "../wire/copy.h"
#include "output.h"
#include "pcapfile.h"

struct writer_options {
	struct output_options output; /* a series only if files are rotated */
	const struct pcapfile_format *format;
	uint32_t snaplen; /* the most bytes of each frame that are written */
	/* Begin a new file when the current one reaches this size or age; 0: never. */
	uint64_t rotate_bytes;
	uint64_t rotate_seconds;
	int failed; /* an eventfd that is told when writing has failed; -1: none */
};

struct writer;

/* Begins the first file. */
int writer_open(const struct writer_options *options, struct writer **writer);

/* Starts the thread, for which SIGUSR1 must have a handler. 0 or -errno. */
int writer_start(struct writer *writer);

/* Whether the next packet is certain to find room; whether all is written. Both are true after an error. */
bool writer_ready(struct writer *writer);
bool writer_empty(struct writer *writer);

/* Each returns 0, or -errno: then the file is incomplete. */
int writer_packet(struct writer *writer, const struct copy *p);
int writer_flush(struct writer *writer);

/* Begins a new file now, if files are rotated; else -EINVAL. */
int writer_rotate(struct writer *writer);

/*
 * Writes what is left until this time of CLOCK_MONOTONIC, and frees, also after an error; NULL is fine. 0, or
 * -errno: the file is incomplete.
 */
int writer_close(struct writer *writer, uint64_t end_ns);
