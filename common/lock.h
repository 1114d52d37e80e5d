/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Locks on directories of bpffs, where no file can be. */
#pragma once

#include <limits.h>

/*
 * Locks a directory that only root can change, waiting up to 10 s for its holder. Returns a file descriptor;
 * closing it unlocks. -ENOENT, without a message, if the directory is gone; else a negative errno, after
 * log_error().
 */
int lock_directory(const char *path);

/*
 * The process that holds a directory's lock, 0: none; negative errno. LOCK_HOLDER_UNSEEN: it is outside this
 * PID namespace, or /proc is that of another one.
 */
#define LOCK_HOLDER_UNSEEN LONG_MAX
long lock_holder(const char *path);

/* "process 7", for messages; good until the next call. */
const char *lock_holder_text(long holder);
