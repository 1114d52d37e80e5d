/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The logger: one line per message, to stderr, and to a file if there is a log directory. */
#ifndef L3AF_LOG_H
#define L3AF_LOG_H

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO };

/*
 * program: prefix of each line. level: print messages of this severity and worse. log_dir: if not NULL or
 * empty, <log_dir>/<program>.log gets the same lines, with a time stamp; one that cannot be written is
 * a warning. libbpf's own messages go to LEVEL_INFO.
 */
void log_init(const char *program, enum log_level level, const char *log_dir);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
