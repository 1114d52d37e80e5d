// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "rate.h"

#define RING_MEMORY_MIN (1ULL << 20)
#define RING_MEMORY_MAX (64ULL << 30)

/* A whole number, and behind it one of the units; *unit is set to its index. */
static int parse_unit(const char *text, const char *const *units, size_t n, unsigned long *number,
		      size_t *unit)
{
	char digits[24];
	size_t len = strspn(text, "0123456789");

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	for (*unit = 0; *unit < n; (*unit)++)
		if (!strcasecmp(text + len, units[*unit]))
			return args_number(digits, 0, ULONG_MAX / 1000000000, number);
	return -EINVAL;
}

static int parse_ring_memory(const char *text, struct mirror_settings *to)
{
	static const char *const units[] = { "", "K", "M", "G" };
	unsigned long number;
	size_t unit;

	if (!parse_unit(text, units, 4, &number, &unit)) {
		to->ring_memory = (__u64)number << (10 * unit);
		if (number <= RING_MEMORY_MAX >> (10 * unit) && to->ring_memory >= RING_MEMORY_MIN)
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

	if (!args_number(text + negative, 0, negative ? 20 : 19, &number)) {
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
