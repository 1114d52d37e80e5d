/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rule sets (../abi/flows.h): the filters of a direction whose rules use `domain`, for the flow table's
 * classes. Functions return 0 or a negative errno, after log_error() unless said otherwise.
 */
#pragma once

#include "instance.h"

/* Which banks of which rule sets the configurations of this host refer to, active or kept for rollback. */
struct rulesets_used {
	bool bank[MIRROR_MAX_RULESETS][MIRROR_BANKS];
};

/* -EBUSY: an instance cannot be read. */
int rulesets_used(struct rulesets_used *used);

/* The rule set of an instance, or a free one, which becomes its. -ENOSPC: there is none. */
int ruleset_choose(const struct instance *i, const struct shared *host, const struct rulesets_used *used,
		   uint16_t *ruleset);

/*
 * Fills a bank of a configuration's rule set, whose names have classes. generation: of the commit to come.
 * Silent.
 */
int ruleset_write(const struct configuration *c, unsigned int bank, uint32_t generation);

/* Says that a bank is in force again, with a commit to come. */
int ruleset_restore(const struct tables *t, unsigned int bank, uint32_t generation);

/* Adds the names of a bank to filters that constrain DIM_DOMAIN. host NULL: the pinned arrays. Silent. */
int ruleset_read(int ruleset, unsigned int bank, const struct shared *host, struct filter_set *filters);
