/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Host routes to collectors through --redirect-to. Functions return 0 or a negative errno, after log_error().
 */
#ifndef MIRRORING_ROUTE_H
#define MIRRORING_ROUTE_H

#include "delivery_options.h"

/*
 * Sees to a host route to each collector of --tunnel-remote-address through --redirect-to, where both are
 * given and the kernel's way differs. An equal or better route is left alone.
 */
int route_ensure(const struct delivery *d);

/*
 * Removes the host routes that these options made, but those that a running instance still wants. To be
 * called when the instance that had the options has others, or none.
 */
void route_release(const struct delivery *d);

#endif
