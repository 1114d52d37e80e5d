/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Host routes to collectors of --tunnel-remote-address through --redirect-to, where both are given and the
 * kernel's way differs. An equal or better route is left alone. Functions return 0 or a negative errno, after
 * log_error().
 */
#pragma once

#include <stdbool.h>

#include "../../common/netlink.h"
#include "delivery_options.h"

/* What becomes of the routes when an instance changes its options. */
struct routes {
	int lock; /* host-wide, -1: no routes are concerned */
	struct delivery before;
	size_t n;
	struct planned_route {
		struct route route, old; /* old: ours by another gateway */
		bool replaces, made;
		char nic[IFNAMSIZ];
	} at[MIRROR_MAX_COLLECTORS];
};

/*
 * Which routes to make when an instance's options change, and takes the lock until routes_end(), which must
 * be called in any case. Changes nothing.
 */
int routes_plan(struct routes *r, const struct delivery *before, const struct delivery *now);

/* Whether there will be a route to this address. */
bool routes_planned(const struct routes *r, const struct address *dst);

/* Makes the planned routes. */
int routes_make(struct routes *r);

/*
 * done: the instance has its new options; removes the routes that the old ones made, but those that a running
 * instance still wants. Not done: takes back what routes_make() did.
 */
void routes_end(struct routes *r, bool done);
