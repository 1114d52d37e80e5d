/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options that hold for the whole host (../abi/settings.h): what each takes, and a change of some. */
#pragma once

#include <stdbool.h>

#include "../../common/args.h"
#include "../abi/settings.h"
#include "request.h"

/* What each takes, as rows of a table of options (common/args.h). */
#define SETTING_RING_MEMORY                                                                                 \
	"SIZE", "limit the memory of all rings of this host to SIZE (64M)", ARGS_SIZE(1L << 20, 64L << 30), \
		.section = "Host, all interfaces"
#define SETTING_MAX_RATE                                                         \
	"RATE", "limit this host's copies to RATE: 100kpps, 500Mbit, off (off)", \
		ARGS_READ(settings_read_rate, "a rate such as 100kpps or 500Mbit, or off")
#define SETTING_FAILOVER "off|on", "skip collectors that cannot be reached (off)", ARGS_CHOICE
#define SETTING_SENDER_THREADS                                         \
	"N", "set the threads of mirror-sender: 1, 2, 4, auto (auto)", \
		ARGS_READ(settings_read_threads, "1, 2, 4 or auto")
#define SETTING_SENDER_NICE "NICE", "set the priority of mirror-sender, -20 to 19 (5)", ARGS_NUMBER(-20, 19)
#define SETTING_HOLD_MEMORY                                                      \
	"SIZE", "hold at most SIZE of packets whose flow has no name yet (32M)", \
		ARGS_SIZE(1L << 20, 64L << 30)
#define SETTING_HOLD_FLOW \
	"SIZE", "hold at most SIZE of packets of one flow (256k)", ARGS_SIZE(64L << 10, 1L << 30)
#define SETTING_HOLD_PACKETS "N", "hold at most N packets of one flow (200)", ARGS_NUMBER(4, 1000000)
#define SETTING_FLOW_MEMORY \
	"SIZE", "limit the memory of the flow table to SIZE (4M)", ARGS_SIZE(64L << 10, 1L << 30)
#define SETTING_HOLD_TIME "TIME", "hold the packets of a flow for at most TIME (10s)", ARGS_TIME(1, 3600)

#define SETTING_NAMED(ID, option, type, member, preset) bool member;
struct settings_change {
	struct {
		MIRROR_SETTINGS(SETTING_NAMED)
	} named; /* which of the values below are given */
	struct mirror_settings to;
};
#undef SETTING_NAMED

/* In force until another value is given. */
extern const struct mirror_settings settings_default;

/* Reads --max-rate into a struct mirror_rate: a rate, or "off". 0 or -EINVAL. */
int settings_read_rate(const char *text, void *rate);

/* Reads --sender-threads into a __u64. 0 or -EINVAL. */
int settings_read_threads(const char *text, void *threads);

struct settings_change settings_of(const struct request *request);

bool settings_any(const struct settings_change *change);

/*
 * Drops what gives way: a value of start where update has named that setting. origins: enum mirror_origin by
 * enum mirror_setting, of the instance, which are set.
 */
void settings_take_over(struct settings_change *change, enum mirror_origin origin, uint8_t *origins);

void settings_apply(const struct settings_change *change, struct mirror_settings *now);
