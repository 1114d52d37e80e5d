/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A command line, and the commands. */
#pragma once

#include <stdbool.h>

#include "../abi/options.h"
#include "delivery_options.h"
#include "filter.h"

#define ARGUMENT(ID, ...) ARG_##ID,
enum argument {
	ARG_IFACE,
	ARG_DIRECTION,
	ARG_VERSION,
	ARG_MAP_NAME,
	ARG_RULES,
	ARG_RULES_FILE,
	ARG_SRC_ADDRESS,
	ARG_DST_ADDRESS,
	ARG_SRC_PORT,
	ARG_DST_PORT,
	ARG_PROTOCOL,
	ARG_DOMAIN,
	MIRROR_OPTIONS(ARGUMENT) MIRROR_SETTINGS(ARGUMENT) ARG_PCAP,
	ARG_JSON,
	ARG_LOG_DIR,
	ARG_QUIET,
	ARG_COUNT,
};
#undef ARGUMENT

struct request {
	const char *value[ARG_COUNT]; /* NULL: not given */
	/* what is given of them */
	struct delivery delivery;
	struct mirror_settings settings;
	const char *operand; /* FILE of check */
	bool from_l3afd; /* no word names the command, as from l3afd: answers are in the form it wants */
};

/*
 * The filters that the options give, in one of three ways; NULL: in none. Returns as the commands below.
 */
int request_filters(const struct request *request, struct filter_set **filters);

/* Each returns 0, or after log_error() a negative errno or ARGS_USAGE: what the options say is wrong. */
int command_start(const struct request *request);
int command_update(const struct request *request);
int command_stop(const struct request *request);
int command_show(const struct request *request);
int command_check(const struct request *request);
int command_rollback(const struct request *request);
int command_status(const struct request *request);
int command_metrics(const struct request *request);
int command_explain(const struct request *request);
