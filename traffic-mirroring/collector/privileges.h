/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef COLLECTOR_PRIVILEGES_H
#define COLLECTOR_PRIVILEGES_H

#include <sys/types.h>

/*
 * Becomes user and group, if root, and gives up every capability for good. Call it before there are threads. 0 or -errno.
 */
int privileges_become(uid_t user, gid_t group);

#endif
