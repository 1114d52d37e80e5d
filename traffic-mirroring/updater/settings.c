// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "settings.h"

#include <string.h>

#include "rate.h"

int settings_read_rate(const char *text, void *request)
{
	struct mirror_settings *to = &((struct request *)request)->settings;

	return strcmp(text, "off") ? rate_parse(text, &to->max_packets, &to->max_bits) : 0;
}

struct settings_change settings_of(const struct request *request)
{
	return (struct settings_change){
		.named = {
			[SETTING_RING_MEMORY] = request->value[ARG_RING_MEMORY],
			[SETTING_MAX_RATE] = request->value[ARG_MAX_RATE],
			[SETTING_FAILOVER] = request->value[ARG_FAILOVER],
			[SETTING_NICE] = request->value[ARG_SENDER_NICE],
		},
		.to = request->settings,
	};
}
