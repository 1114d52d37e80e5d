/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The host's rings, collector groups and settings (../abi/host.h), and its one sender: made when the first
 * filter has collectors, removed when the last one has gone. Functions return 0 or a negative errno, after
 * log_error() unless said otherwise.
 */
#pragma once

#include <stdbool.h>

#include "../abi/host.h"
#include "instance.h"
#include "settings.h"

struct host;

/*
 * Takes the lock over all that is the host's until host_end(), and makes the arrays that are missing. NULL:
 * *error says why.
 */
struct host *host_lock(int *error);

/* Not done: takes back the settings and what follows from them, and leaves a sender running if one was. */
void host_end(struct host *h, bool done);

/* Finds or makes the group with these contents, and sets its id. -ENOSPC: all are in use. */
int host_put_group(struct host *h, struct mirror_group *group);

/*
 * Puts settings in force, and makes the rings that are missing. If there are none and none are needed, the
 * settings wait for them.
 */
int host_set(struct host *h, const struct settings_change *change, bool needed);

/*
 * Makes what filters with `domain` or `first` need of the host, and gives their names classes: the
 * configuration of this instance can be committed while the host is locked. After host_set().
 */
int host_set_flows(struct host *h, const struct instance *i, struct configuration *c);

/* Connects a data path to the rings, the state and the flow table that there are. After host_set(). */
int host_attach(struct host *h, const struct tables *t);

/*
 * Ensures that a sender is running, if there are rings, with sockets for all collectors to come; the errno of
 * one that could not be opened.
 */
int host_ensure_sender(struct host *h);

/*
 * Ends the sender and removes all pins if no instance has collectors or uses the flow table any more; the
 * settings stay until no instance has any options. Call it without the lock.
 */
int host_release(void);

/* Whether a sender runs that does not answer. Without the lock: a poll must not wait for a commit. */
bool host_sender_hangs(void);

/*
 * Starts the sender again if this host has rings, and none runs or it hangs. -EALREADY, silently: it was
 * told to end, and stays so.
 */
int host_revive_sender(void);
