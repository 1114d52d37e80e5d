/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Chooses the collector of a flow: weighted rendezvous hashing. Each collector draws a number for the flow,
 * from its identity and the flow's hash alone, and the highest one wins. So adding or removing a collector
 * moves only the flows that it wins or had won, in any order of the list, and alike on all hosts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../common/address.h"

/* The properties of a collector that affect the choice. */
struct spread_share {
	uint64_t identity; /* spread_identity() */
	uint32_t weight; /* share of the flows, relative to the others'; 0: none */
	bool drained; /* removed by the operator */
	bool unreachable; /* removed by failover */
};

/* port: 0 if the format has none. */
uint64_t spread_identity(const char *format, const struct address *address, uint16_t port);

/* Index of the flow's collector, or -ENOENT: none is usable. */
int spread_choose(const struct spread_share *collectors, size_t n, uint32_t hash);
