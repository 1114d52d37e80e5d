/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The flow that a copy belongs to. For an ordinary packet this is the flow that the data path sees
 * (struct mirror_record's hash); here, an ICMP error belongs to the flow of the packet it quotes, and later
 * fragments of a datagram to that of the first one.
 */
#pragma once

#include <stdint.h>

#include "headers.h"

#define FLOW_FRAGMENTS_WAYS 4
#define FLOW_FRAGMENTS_SETS 1024

/* First fragments seen, by datagram. All zeros: empty. */
struct flow_fragments {
	struct flow_fragment {
		uint64_t datagram; /* digest of addresses, protocol and ID */
		uint64_t time_ns; /* of the first fragment; 0: free */
		uint64_t hash;
	} at[FLOW_FRAGMENTS_SETS][FLOW_FRAGMENTS_WAYS];
};

/*
 * The symmetric hash of a packet's flow: unordered ends (address, port) and protocol. time_ns: when it
 * passed, not 0. A later fragment whose first one was not seen in the last 30 s, and an ICMP error that
 * quotes too little, count as packets without ports. All packets without an IP header are one flow.
 */
uint64_t flow_hash(struct flow_fragments *fragments, const struct capture *c, const struct headers *h,
		   uint64_t time_ns);

/* Which end of its flow sent the packet, 0 or 1, as the flow table counts them. */
int flow_direction(const struct capture *c, const struct headers *h);

/*
 * One of n source ports for a flow. Independent of what spread_choose() does with the same hash, so that each
 * collector gets all ports.
 */
uint32_t flow_port(uint32_t hash, uint32_t n);
