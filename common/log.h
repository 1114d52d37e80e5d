/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The logger: one line per message, to stderr, and to a file if there is a log directory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO };

/*
 * program: prefix of each line. level: print messages of this severity and worse. log_dir: if not NULL or
 * empty, <log_dir>/<program>.log gets the same lines, with a time stamp; one that cannot be written, or
 * is not a regular file, is a warning. libbpf prints nothing: log_libbpf().
 */
void log_init(const char *program, enum log_level level, const char *log_dir);

/*
 * Input as a message shows it: its first bytes, control characters as \xNN. A file of secrets that was given
 * as a file of rules must not end in the log.
 */
#define QUOTED_BYTES 32
struct quoted {
	char text[QUOTED_BYTES * 4 + sizeof("...")];
};
struct quoted log_quote(const char *text);
struct quoted log_quote_bytes(const char *text, size_t len);

/* Whether log_error() has been called, or log_set_reported(): a process of ours has said what is wrong. */
bool log_reported(void);
void log_set_reported(void);

/*
 * The cause that libbpf has named since the last call, as " (libbpf: …)", or "": for the end of the one line
 * that says what failed. Good until the next call.
 */
const char *log_libbpf(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
