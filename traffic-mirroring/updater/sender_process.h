/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The process mirror-sender, one per host. */
#pragma once

#include <stdbool.h>

#include "../host/shared.h"

/* Functions return 0 or a negative errno, after log_error(). */

/*
 * Signals the sender, if one runs, and waits until it has ended; kills one that does not. The rings keep what
 * it has not sent for the next one.
 */
int sender_signal(int signal);
/* The same for whoever holds another lock: the sender of another layout. */
int sender_signal_at(const char *lock, int signal);

/* Kills a sender that gives no sign of life. */
int sender_end_hanging(const struct shared *shared);

/*
 * Ensures that a sender is running that has sockets for all groups and is the program beside this one. wanted
 * marks, by slot, those whose sockets must be open; returns the errno of one that is not.
 */
int sender_ensure(const struct shared *shared, const bool wanted[MIRROR_MAX_GROUPS]);
