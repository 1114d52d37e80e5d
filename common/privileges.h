/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a long-running process gives up as soon as its maps, sockets and files are open: everything. */
#pragma once

#include <sys/types.h>

/*
 * Becomes user and group if it runs as root, and drops every capability for good. Call it before there are
 * threads. 0 or a negative errno, after log_error().
 */
int privileges_drop(uid_t user, gid_t group);
