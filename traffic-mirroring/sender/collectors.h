/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A collector as the sender uses it: its sockets, its encapsulation, and the room that the way to it has. */
#ifndef MIRRORING_COLLECTORS_H
#define MIRRORING_COLLECTORS_H

#include <linux/if_packet.h>

#include "../wire/encap.h"
#include "oversize.h"
#include "../host/shared.h"
#include "sockets.h"

/* Source ports of a UDP collector, for receivers that spread packets by their outer header. */
#define COLLECTOR_LANES 8

struct collector;

/* One socket, and the copies of a batch that wait for it. Copies of one flow all take the same one. */
struct lane {
	struct collector *collector;
	int fd;
	bool segments; /* the kernel cuts several copies of one size out of one datagram */
	uint64_t used_ns; /* CLOCK_MONOTONIC when copies were last sent */
	uint32_t first, last; /* index in the batch; NO_COPY: none waits */
	struct lane *next; /* another one with copies that wait */
};

struct collector {
	const struct mirror_group *group;
	const struct mirror_collector *config;
	struct mirror_collector_counters *counters;
	struct encap encap;
	struct oversize_room room;
	struct sockaddr_ll
		device[2]; /* CARRIER_DEVICE: where to; [1]: IPv6 packets, if the device has no frames */
	struct address source; /* the sockets are connected, from here; family 0: they are not */
	bool usable; /* there is a way to it, and its link is up */
	/* While counters->unreachable: when it is to be probed, or, after that, counts as reachable. CLOCK_MONOTONIC */
	uint64_t next_ns;
	bool probed;
	int unopened; /* errno of its sockets; then there are no lanes */
	uint32_t lanes;
	struct lane lane[COLLECTOR_LANES];
};

/* Opens the sockets. Where that fails, log_error() has said why. */
void collector_open(struct collector *c, const struct mirror_group *group,
		    const struct mirror_collector *config, struct mirror_collector_counters *counters);

/* Looks at the way to it anew: link, source address, MTU. Sets usable and room. */
void collector_refresh(struct collector *c);

/* Reads what the network answered to a lane's copies. True: anything. */
bool collector_read_errors(struct lane *lane, uint64_t now);

/*
 * Reads all such answers. A collector that could not be reached is tried again after a while, with an empty packet:
 * failover shall not give it copies that are lost. If nothing says that it is still so, it counts as reachable.
 */
void collector_check(struct collector *c, uint64_t now);

/* Room for a copy behind the outer headers. */
struct oversize_room collector_room(const struct collector *c, const struct split_packet *p);

#endif
