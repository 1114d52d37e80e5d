/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the updater makes for a host, for the data paths of a fixture: rings, the state, the flow table, and
 * which filters accept a name. The test is the sender: it reads the ring, and says of which class a flow is.
 */
#pragma once

#include "../../host/ring.h"
#include "harness.h"

#define HOST_MAPS 5
#define HOST_NAMES 8
#define HOST_DATA 4096 /* bytes of a record that are kept */

struct host_maps {
	struct fixture *fixture;
	int fd[HOST_MAPS];
	struct mirror_state *state;
	struct mirror_flow_set *flows;
	uint32_t sets;
	struct mirror_words *accepts;
	struct ring near, spill; /* of all CPUs: only one runs a program at a time */
	/* of class CLASS_FIRST + i, as text */
	size_t n_names;
	const char *names[HOST_NAMES];
	/* the last one that host_maps_records() took */
	struct mirror_record record;
	uint8_t data[HOST_DATA];
};

/* sets: of the flow table, a power of two. Prints what failed. 0 or a negative errno. */
int host_maps_open(struct host_maps *maps, struct fixture *fixture, uint32_t sets);
void host_maps_close(struct host_maps *maps);

/*
 * A configuration that may ask for these names and for first bytes. A rule without `to` copies into the
 * ring.
 */
struct configuration *host_maps_configuration(const struct host_maps *maps, enum direction direction,
					      const char *rules);
/* Fills the words of the spare bank, which no packet may read, and commits. */
int host_maps_put(struct host_maps *maps, enum direction direction, const struct configuration *c);
/* Both. */
int host_maps_commit(struct host_maps *maps, enum direction direction, const char *rules);

/* The rule set of a direction. */
uint16_t host_maps_ruleset(enum direction direction);

/* How many records came since the last call. */
unsigned int host_maps_records(struct host_maps *maps);

/* The set and entry of a hash; NULL: it has none. */
struct mirror_flow_set *host_maps_set(const struct host_maps *maps, uint64_t hash);
struct mirror_flow *host_maps_flow(const struct host_maps *maps, uint64_t hash);
/* As the sender does once it knows the class. */
void host_maps_decide(struct host_maps *maps, uint64_t hash, uint16_t class);
/* Forgets all flows. */
void host_maps_clear(struct host_maps *maps);

/* As in ../../abi/flow_hash.h. */
uint64_t host_maps_hash(const struct ref_flow *flow);
