/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where the writer's bytes go: stdout, a file, or a series of files, each of which may be a frame of
 * Zstandard (RFC 8878). All but output_give_up() belong to one thread.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct output_options {
	const char *path; /* "-": stdout */
	bool series; /* of files with "-<UTC time>-<number>" before the suffix; none is overwritten */
	bool zstd;
	uint32_t keep; /* files of this series to keep; 0: all */
	uid_t owner; /* of a series' files, if we may give them away: the user that removes them later */
};

struct output {
	struct output_options options;
	int fd;
	uint32_t number; /* of the newest file's name */
	uint32_t files; /* opened so far */
	char (*kept)[PATH_MAX]; /* names of the last files, file n at n % keep */
	struct ZSTD_CCtx_s *zstd; /* NULL: bytes are written as they are */
	uint8_t *compressed;
	atomic_bool given_up; /* a write that is interrupted has failed */
};

/* Opens the first file. 0 or -errno; output_close() is due in any case. */
int output_open(struct output *output, const struct output_options *options);

/* Writes all of it, compressed and flushed: a reader gets it, and a crash cannot lose it. 0 or -errno. */
int output_write(struct output *output, const uint8_t *at, size_t len);

/* Completes the file and begins the next one; waits for descriptors while there are none. 0 or -errno. */
int output_next(struct output *output);

/* Completes the file, to which nothing can be written any more. 0 or -errno. */
int output_end(struct output *output);

/* An interrupted write fails from now on. From any thread. */
void output_give_up(struct output *output);

/* Frees what it has, and closes a file that output_end() did not complete. */
void output_close(struct output *output);
