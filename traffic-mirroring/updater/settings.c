// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "settings.h"

#include <errno.h>
#include <string.h>

#include "../../common/log.h"
#include "../../common/units.h"
#include "rate.h"

#define RING_MEMORY_MIN (1ULL << 20)
#define RING_MEMORY_MAX (64ULL << 30)

static int parse_ring_memory(const char *text, struct mirror_settings *to)
{
	unsigned long bytes;

	if (!units_parse(text, units_size, RING_MEMORY_MIN, RING_MEMORY_MAX, &bytes)) {
		to->ring_memory = bytes;
		return 0;
	}
	log_error("--ring-memory: \"%s\" is no size from 1M to 64G", text);
	return -EINVAL;
}

static int parse_max_rate(const char *text, struct mirror_settings *to)
{
	to->max_packets = to->max_bits = 0;
	if (!strcmp(text, "off") || !rate_parse(text, &to->max_packets, &to->max_bits))
		return 0;
	log_error("--max-rate: \"%s\" is no rate such as 100kpps, 500Mbit (per second) or off", text);
	return -EINVAL;
}

static int parse_failover(const char *text, struct mirror_settings *to)
{
	to->failover = !strcmp(text, "on");
	if (to->failover || !strcmp(text, "off"))
		return 0;
	log_error("--failover: \"%s\" is neither on nor off", text);
	return -EINVAL;
}

static int parse_nice(const char *text, struct mirror_settings *to)
{
	bool negative = *text == '-';
	unsigned long number;

	if (!number_parse(text + negative, 0, negative ? 20 : 19, &number)) {
		to->nice = negative ? -(int)number : (int)number;
		return 0;
	}
	log_error("--sender-nice: \"%s\" is no number from -20 to 19", text);
	return -EINVAL;
}

int settings_parse(const struct request *request, struct settings_change *change)
{
	static const struct {
		enum argument argument;
		int (*parse)(const char *text, struct mirror_settings *to);
	} settings[SETTINGS] = {
		[SETTING_RING_MEMORY] = { ARG_RING_MEMORY, parse_ring_memory },
		[SETTING_MAX_RATE] = { ARG_MAX_RATE, parse_max_rate },
		[SETTING_FAILOVER] = { ARG_FAILOVER, parse_failover },
		[SETTING_NICE] = { ARG_SENDER_NICE, parse_nice },
	};

	*change = (struct settings_change){};
	for (int i = 0; i < SETTINGS; i++) {
		const char *text = request->value[settings[i].argument];

		if (!text)
			continue;
		if (settings[i].parse(text, &change->to))
			return -EINVAL;
		change->named[i] = true;
	}
	return 0;
}
