/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where copies go: from the delivery options, and `to` of filters, to devices and collector groups. */
#pragma once

#include "instance.h"
#include "route.h"
#include "tables.h"

/* Functions return 0 or a negative errno, after log_error(). */

/*
 * Fills in the rows, groups and tunnel endpoints of a configuration from its filters and its delivery;
 * host_maps.h fills in the ids of groups. Every device must exist, be up, and be apart from the mirrored
 * interface (netlink_stacked()) unless --allow-same-device permits it. A filter without a destination is an
 * error.
 */
int delivery_resolve(struct configuration *c, const struct instance *i);

/* Whether any filter's copies go into the rings. */
bool delivery_needs_rings(const struct configuration *c);

/* Whether a kernel device was created again: an update without options finds its new index. Silent. */
bool delivery_outdated(const struct tables *t);

/* Whether the kernel has a route to every collector, or gets one. */
int delivery_check_routes(const struct configuration *c, const struct routes *planned);
