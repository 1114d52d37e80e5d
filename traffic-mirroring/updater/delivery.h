/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where copies go: from the delivery options, and `to` of filters, to devices and collector groups. */
#ifndef MIRRORING_DELIVERY_H
#define MIRRORING_DELIVERY_H

#include "instance.h"
#include "tables.h"

/* Functions return 0 or a negative errno, after log_error(). */

/*
 * Fills in the rows, groups and outers of a configuration from its filters and its delivery; ids of groups are for host_maps.h
 * to fill in. Every device has to exist and to be up. A filter that has no target at all is an error, unless targets
 * may still come (may_lack_target).
 */
int delivery_resolve(struct configuration *c, const struct instance *i, bool may_lack_target);

/* Whether any filter's copies go into the rings. */
bool delivery_needs_rings(const struct configuration *c);

/* Whether the kernel knows a way to every collector; to be asked when the routes are there. */
int delivery_check_routes(const struct configuration *c);

#endif
