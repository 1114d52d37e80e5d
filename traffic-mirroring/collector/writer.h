/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Writes copies to a capture file, to a series of them, or to stdout. Thread-safe. */
#ifndef COLLECTOR_WRITER_H
#define COLLECTOR_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../wire/copy.h"
#include "pcapfile.h"

struct writer_options {
	const char *path; /* "-": stdout */
	const struct pcapfile_format *format;
	uint32_t snaplen; /* the most bytes of each frame that are written */
	/* Begin a new file when the current one reaches this size or age; 0: never. */
	uint64_t rotate_bytes;
	uint64_t rotate_seconds;
	uint32_t keep; /* files of this run to keep; 0: all */
};

struct writer;

/*
 * Begins the first file. With rotation the names are PATH with "-<UTC time>-<number>" before its suffix.
 * *give_up, once true, ends a write that a signal interrupts.
 */
int writer_open(const struct writer_options *options, const atomic_bool *give_up, struct writer **writer);

/* Each returns 0, or -errno: then the file is incomplete. */
int writer_packet(struct writer *writer, const struct copy *p);
int writer_flush(struct writer *writer);

/* Flushes and frees, also after an error; NULL is fine. */
int writer_close(struct writer *writer);

#endif
