/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Arrays in place of the host's maps, for hold.h. SETS: of the flow table. */
#pragma once

#include "../../host/shared.h"

static struct mirror_state state_map;
static struct mirror_settings settings;
static __u64 sent[SENT_COUNT], sent_errors[MIRROR_ERRNOS];
static struct mirror_flow_set flows[SETS];
static struct mirror_words accepts[MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES];
static struct mirror_name names[MIRROR_MAX_CLASSES];
static struct mirror_ruleset rulesets[MIRROR_MAX_RULESETS];
static struct mirror_collector_counters collectors[MIRROR_MAX_GROUPS * MIRROR_MAX_COLLECTORS];

static const struct shared hold_arrays = {
	.state = &state_map,
	.settings = &settings,
	.sent = sent,
	.sent_errors = sent_errors,
	.collectors = collectors,
	.flows = flows,
	.flow_sets = SETS,
	.accepts = accepts,
	.names = names,
	.rulesets = rulesets,
};
