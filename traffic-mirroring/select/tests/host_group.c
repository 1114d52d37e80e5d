// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_group.h"

#define FLOW_SETS 4096

struct host_maps maps;

int host_group_enter(void **state)
{
	return group_enter(state) ?: host_maps_open(&maps, &fixture, FLOW_SETS);
}

int host_group_leave(void **state)
{
	host_maps_close(&maps);
	return group_leave(state);
}
