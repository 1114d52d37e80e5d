// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "settings.h"

#include <errno.h>
#include <string.h>

#include "rate.h"

#define DEFAULT(ID, option, type, member, preset) .member = preset,
#define NAMED(ID, option, type, member, preset) .member = request->value[ARG_##ID],
#define APPLY(ID, option, type, member, preset) \
	if (change->named.member)               \
		now->member = change->to.member;
#define OR_NAMED(ID, option, type, member, preset) || change->named.member
#define TAKE_OVER(ID, option, type, member, preset)                                  \
	if (change->named.member && origin >= (enum mirror_origin)origins[SET_##ID]) \
		origins[SET_##ID] = origin;                                          \
	else                                                                         \
		change->named.member = false;

const struct mirror_settings settings_default = { MIRROR_SETTINGS(DEFAULT) };

int settings_read_rate(const char *text, void *rate)
{
	struct mirror_rate *to = rate;

	return strcmp(text, "off") ? rate_parse(text, &to->packets, &to->bits) : 0;
}

int settings_read_threads(const char *text, void *threads)
{
	__u64 *to = threads;

	*to = !strcmp(text, "1") ? 1 : !strcmp(text, "2") ? 2 : !strcmp(text, "4") ? 4 : 0;
	return *to || !strcmp(text, "auto") ? 0 : -EINVAL;
}

struct settings_change settings_of(const struct request *request)
{
	return (struct settings_change){ .named = { MIRROR_SETTINGS(NAMED) }, .to = request->settings };
}

bool settings_any(const struct settings_change *change)
{
	return false MIRROR_SETTINGS(OR_NAMED);
}

void settings_take_over(struct settings_change *change, enum mirror_origin origin, uint8_t *origins)
{
	MIRROR_SETTINGS(TAKE_OVER)
}

void settings_apply(const struct settings_change *change, struct mirror_settings *now)
{
	MIRROR_SETTINGS(APPLY)
}
