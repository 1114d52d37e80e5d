/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A group of cmocka tests in one fixture (group.h), with what the updater makes for a host. */
#pragma once

#include "group.h"
#include "host_maps.h"

extern struct host_maps maps;

/* The group's set-up and tear-down, for TEST_MAIN(). */
int host_group_enter(void **state);
int host_group_leave(void **state);
