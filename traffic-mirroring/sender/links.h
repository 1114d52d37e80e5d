/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The links to the collectors: while none of a group's collectors can be reached, its copies stop at the ring. */
#ifndef MIRRORING_LINKS_H
#define MIRRORING_LINKS_H

#include "groups.h"
#include "../host/shared.h"

/* A socket that becomes readable when links, addresses or routes change; or a negative errno. Needs no privilege. */
int links_watch(void);

/* Reads what the socket has to say. True: something has changed. */
bool links_changed(int fd);

/* Looks at the way to each collector, and stops or resumes the groups. */
void links_refresh(const struct groups *groups, const struct shared *shared);

#endif
