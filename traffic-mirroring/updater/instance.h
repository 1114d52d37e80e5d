/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One running traffic-mirroring: an interface, a direction, and the pins of its program. */
#pragma once

#include "../../common/netlink.h"
#include "../../common/pins.h"
#include "tables.h"

struct instance {
	struct link link; /* ifindex 0: no device of this network namespace has the name */
	enum direction direction;
	struct pins pins;
	int lock; /* the locked directory of the pins, -1: not locked */
	struct tables *tables; /* NULL: not open */
	bool foreign; /* the pins are of an interface of this name in another network namespace */
};

/*
 * These return 0 or a negative errno, after log_error() unless said otherwise.
 * iface, direction, version: as given to the command.
 */
int instance_init(struct instance *i, const char *iface, const char *direction);
/* The same for what the pins alone are enough for: the interface may be gone, or have another name now. */
int instance_init_pins(struct instance *i, const char *iface, const char *direction);
void instance_report_no_link(const char *iface);
/* Sets i->pins. -ENOENT, silently: nothing is pinned. */
int instance_find(struct instance *i, const char *version);
void instance_report_missing(const struct instance *i, const char *version);
/* Takes the lock of i->pins.maps, waiting for whoever holds it. -ENOENT, silently: the directory is gone. */
int instance_lock(struct instance *i);
/* Finds the pins and locks them; -ENOENT, silently: there are none. */
int instance_find_locked(struct instance *i, const char *version);
int instance_open(struct instance *i);
/* Init, find, lock and open, after which instance_close() must follow, even after an error. */
int instance_open_locked(struct instance *i, const char *iface, const char *direction, const char *version);
void instance_close(struct instance *i);

/*
 * Calls visit for all that is pinned on this host and fits the query, also for interfaces that are not in
 * this network namespace. Each is open, unlocked, and closed after visit; i NULL: one that cannot be read,
 * after log_error(). Stops at the first value other than 0 that visit returns, and returns it.
 */
struct instance_query {
	const char *iface, *direction, *version; /* NULL: any */
};
typedef int instance_visit(void *ctx, const struct instance *i);
int instance_each(struct instance_query query, instance_visit *visit, void *ctx);

/* Path of one of its pins: mirroring_<direction>_<name> among the maps, <entry>_tc among the programs. */
void instance_map_path(const struct instance *i, const char *name, char path[PATH_MAX]);
void instance_program_path(const struct instance *i, char path[PATH_MAX]);
/* Id of its select program, 0: not pinned; a negative errno, silently. */
int64_t instance_program_id(const struct instance *i);
