/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The pinned maps of one direction: reading the configuration in force back out of them, and committing a
 * new one in one atomic switch. Functions return 0 or a negative errno; those that can fail for a reason
 * that an operator must know call log_error().
 */
#pragma once

#include "../../common/direction.h"
#include "../abi/host.h"
#include "delivery_options.h"
#include "filter.h"

#define MAP_PIN_NAME "mirroring_%s_%s" /* format of a map's name and pin: direction, map */

/* One whole configuration of a direction: what fills a bank. */
struct configuration {
	struct filter_set *filters;
	/* per filter: filter_row(), and where its copies go */
	struct mirror_filter rows[MIRROR_MAX_FILTERS];
	/* of filters with EXIT_RING: their collectors; the id of the first leg is rows[].group */
	struct legs {
		size_t n;
		struct mirror_group at[MIRROR_MAX_LEGS];
	} legs[MIRROR_MAX_FILTERS];
	struct mirror_outer outers[MIRROR_MAX_OUTERS];
	size_t n_outers;
	uint32_t flow_sets; /* of the host's flow table; 0: no filter asks for flows */
	uint16_t ruleset; /* key of the host's map rulesets; of filters with `domain` */
	const struct shared *host; /* whose rule set it is, for a commit of filters with `domain` */
	struct mirror_options options;
	uint64_t until_ns; /* of the bank */
	struct delivery delivery; /* their values, for delivery.h; neither read nor committed here */
};

struct configuration *configuration_new(void);
void configuration_free(struct configuration *c);

/* Whether its filters need the host's flow table. */
bool configuration_uses_flows(const struct configuration *c);

struct shared;
struct tables;

/*
 * Opens the maps of a direction and checks each against what this version declares. map_fd gives a new file
 * descriptor for the map with this name (without "mirroring_<direction>_"), or a negative errno. where:
 * precedes the name in messages. -ESTALE, silently: they have another layout, and the data path that they
 * belong to uses the rings and groups of that layout, not ours.
 */
struct tables *tables_open(int (*map_fd)(void *ctx, const char *name), void *ctx, const char *where,
			   int *error);
/* The same from the pins in a directory. */
struct tables *tables_open_pinned(const char *dir, enum direction direction, int *error);
void tables_close(struct tables *t);

/*
 * The network namespace of the last commit to the maps pinned in a directory, as netlink_namespace() has it;
 * 0: there was none, or they have no such map (layout 1). 0 or a negative errno, after log_error().
 */
int tables_network(const char *dir, enum direction direction, uint64_t *network);

/* The word in force. */
struct mirror_config tables_config(const struct tables *t);

/* The options in force, and their values. */
void tables_options(const struct tables *t, struct mirror_options *options);
void tables_delivery(const struct tables *t, struct delivery *d);

/* Whether start or update has given any option, and no stop has forgotten it. */
bool tables_configured(const struct tables *t);

/* Reads the bank in force back into a configuration: what the data path does, also after edits by bpftool. */
int tables_read(const struct tables *t, struct configuration *c);

/* Whether the tables have room for a configuration. -ENOSPC, after log_error(). */
int tables_check(const struct configuration *c);

/*
 * Puts a configuration that tables_check() accepts in force: waits until no packet is still looking at the
 * other bank, fills that, flips. Until the flip nothing changes for packets, and a failure or a kill leaves
 * the old configuration in force. The caller holds the lock.
 */
int tables_commit(struct tables *t, const struct configuration *c, bool l3);

/* Fds of the maps that lead to the host's rings, state, flow table and words of names. */
int tables_near_fd(const struct tables *t);
int tables_rings_fd(const struct tables *t);
int tables_state_fd(const struct tables *t);
int tables_flows_fd(const struct tables *t);
int tables_accepts_fd(const struct tables *t);

/* Whether a bank uses the flow table; and its new size, for those that do. */
bool tables_use_flows(const struct tables *t);
void tables_set_flow_sets(struct tables *t, uint32_t sets);

/* The rule set of a bank, -1: its filters have no names. */
int tables_ruleset(const struct tables *t, unsigned int bank);

/* Calls visit for the first leg's group of every row with EXIT_RING, of both banks. */
void tables_each_group(const struct tables *t, void (*visit)(void *ctx, uint32_t group), void *ctx);

/* Calls visit for each kernel device that a filter in force copies to. */
void tables_each_device(const struct tables *t, void (*visit)(void *ctx, const struct mirror_device *device),
			void *ctx);

/* Whether start has run, and whether a filter in force copies into the rings. */
bool tables_started(const struct tables *t);
void tables_set_started(struct tables *t, bool started);
bool tables_use_rings(const struct tables *t);

/* The values of the options that a rollback would put in force. -ENOENT, silently: there is nothing. */
int tables_previous_delivery(const struct tables *t, struct delivery *d);

/* Puts the previous configuration in force again. 0 or a negative errno, after log_error(). */
int tables_rollback(struct tables *t);

/* Exact totals: the shared arrays and what is still pending per CPU. */
struct counters {
	uint64_t outcome[OUT_COUNT];
	uint64_t packets[1 + MIRROR_COUNTERS]; /* by struct mirror_filter.counter */
	uint64_t bytes[1 + MIRROR_COUNTERS];
};
int tables_counters(const struct tables *t, struct counters *counters);

/* What one filter has decided since its rule was made. row: as tables_read() has it. */
struct filter_counts {
	uint64_t packets, bytes;
};
struct filter_counts filter_counts(const struct counters *counters, const struct mirror_filter *row);

/* The name of an outcome as metrics, status and docs write it: "no_match". */
const char *outcome_name(enum mirror_outcome outcome);
