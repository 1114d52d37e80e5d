/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which collector gets a flow: weighted rendezvous hashing. Each collector draws a lot for the flow, from its
 * identity and the flow's hash alone, and the highest one wins. So a collector that comes or goes
 * moves only the flows that it wins or had won, whatever the list's order, and on every host alike.
 */
#ifndef MIRRORING_SPREAD_H
#define MIRRORING_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/address.h"

/* A collector, as far as the choice depends on it. */
struct spread_share {
	uint64_t identity; /* spread_identity() */
	uint32_t weight; /* share of the flows, relative to the others'; 0: none */
	bool drained; /* taken out by the operator */
	bool unreachable; /* taken out by failover */
};

/* port: 0 where the format has none. */
uint64_t spread_identity(const char *format, const struct address *address, uint16_t port);

/* Index of the flow's collector, or -ENOENT: all are taken out. */
int spread_choose(const struct spread_share *collectors, size_t n, uint32_t hash);

#endif
