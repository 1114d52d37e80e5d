/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Maps of maps: what they lead to, and the grace period that a change of one waits for. */
#pragma once

#include <linux/types.h>

/* The id of the map behind an entry, 0: none. */
__u32 outer_map_inner_id(int outer, __u32 key);

/*
 * Leads an entry to a map, or to none if fd is negative. Each change waits for a grace period: only what
 * differs is changed. 0 or a negative errno, silently, as the next one.
 */
int outer_map_set(int outer, __u32 key, int fd);

/* Waits until every BPF program that ran when it was called has ended. */
int grace_period(void);
