/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where copies go: the delivery options, the devices behind them, and the route to the collector. */
#ifndef MIRRORING_DELIVERY_H
#define MIRRORING_DELIVERY_H

#include "../../common/netlink.h"
#include "tables.h"

/* Functions return 0 or a negative errno, after log_error(). */

/* Whether text is a good value for a delivery option; name is what errors call it ("--tunnel-local-port"). */
int delivery_check_option(enum mirror_option option, const char *name, const char *text);

/*
 * Fills in the rows and outers of a configuration from its filters and options: every device has to exist and to be
 * up. A filter that has no target at all is an error, unless targets may still come (may_lack_target).
 */
int delivery_resolve(struct configuration *c, bool may_lack_target);

/* Sees to a host route to the collector through --redirect-to, where both are given and the kernel's way differs. */
int delivery_ensure_route(const struct mirror_options *options);

/*
 * Removes the host route that these options made, unless a running instance still wants it. To be called when the
 * instance that had the options has others, or none.
 */
void delivery_release_route(const struct mirror_options *options);

#endif
