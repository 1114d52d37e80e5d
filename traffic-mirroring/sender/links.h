/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Links to the collectors: while those of a group and of all that get the same copies are down, the data path
 * stops copying for the group.
 */
#pragma once

#include "groups.h"
#include "../host/shared.h"

/* A socket, readable when links, addresses or routes change; or a negative errno. Needs no privilege. */
int links_watch(void);

/* Reads the socket's messages. True: something has changed. */
bool links_changed(int fd);

/* Checks the path to each collector. */
void links_refresh(const struct groups *groups);

/* Stops or resumes the groups. Only one thread of the host's sender may call it. */
void links_publish(const struct groups *groups, const struct shared *shared);
