/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A collector as the sender uses it: its sockets, its encapsulation, and the room on the path to it. */
#pragma once

#include <linux/if_packet.h>

#include "../wire/encap.h"
#include "limits.h"
#include "oversize.h"
#include "../host/shared.h"
#include "sockets.h"

/* Source ports per UDP collector, for receivers that spread packets by their outer header. */
#define COLLECTOR_QUEUES 8

struct collector;

/* One socket and the waiting copies of a batch. All copies of a flow use the same queue. */
struct tx_queue {
	struct collector *collector;
	int fd;
	uint32_t prefix; /* bytes for the kernel before each copy: WHOLE_HEADER or 0 */
	bool segments; /* the kernel segments one datagram into several copies of one size */
	uint64_t used_ns; /* CLOCK_MONOTONIC when copies were last sent */
	uint32_t first, last; /* index in the batch; NO_COPY: none is waiting */
	struct tx_queue *next; /* the next one with waiting copies */
};

struct collector {
	const struct mirror_group *group;
	const struct mirror_collector *config;
	struct mirror_collector_counters *counters;
	struct encap encap;
	struct oversize_room room;
	struct sockaddr_ll device[2]; /* CARRIER_DEVICE: destination; [1]: of IPv6 packets, on an L3 device */
	bool whole, whole_udp; /* its device gets GSO packets whole: any, also UDP */
	struct address source; /* source of the connected sockets; family 0: they are not connected */
	bool usable; /* there is a route to it, and its link is up */
	struct address hop; /* the collector itself, or the router on the way to it; family 0: unknown */
	int hop_ifindex;
	bool asked; /* the kernel was looking for the next hop's link-layer address at the last check */
	bool silent; /* the next hop does not answer */
	uint16_t hop_state; /* NUD_…, at the last look */
	uint64_t looked_ns; /* when that was, CLOCK_MONOTONIC */
	/* counters->unreachable: when to probe it, or, once probed, consider it reachable. CLOCK_MONOTONIC */
	uint64_t next_ns;
	bool probed;
	uint64_t lost; /* bytes of copies that its full sockets or a full device did not take */
	uint64_t waited_ns; /* for room in its sockets; forgotten in time */
	struct limits limits; /* of what it takes: sets counters->shed */
	int unopened; /* errno of opening its sockets; then there are no queues */
	uint32_t queues;
	struct tx_queue queue[COLLECTOR_QUEUES];
};

/* Opens the sockets. Failures are logged. */
void collector_open(struct collector *c, const struct mirror_group *group,
		    const struct mirror_collector *config, struct mirror_collector_counters *counters);

/* Checks the path to it again: link, source address, MTU. Sets usable and room. */
void collector_refresh(struct collector *c);

/* Copies may wait for room in its sockets: it is not always full, which would hold up all others. */
bool collector_may_wait(const struct collector *c);

/* Reads the network's errors for a queue's copies. True: there were any. */
bool collector_read_errors(struct tx_queue *queue, uint64_t now);

/* Lets the kernel look for the next hop, so that copies need not wait for it. Needs CAP_NET_ADMIN. */
bool collector_ask(struct collector *c);

/* The kernel is still looking. */
bool collector_waits(struct collector *c);

/* The kernel would drop a copy now: it has no address of a silent next hop. */
bool collector_drops(struct collector *c, uint64_t now);

/*
 * Reads all such errors, and the state of the next hop: one that has not answered ARP or neighbour discovery
 * from one check to the next makes the collector unreachable until it answers. After another error, the
 * collector is probed after a while with an empty packet, so that failover does not lose copies. If the probe
 * causes no error, it counts as reachable. Sheds flows as long as the path to it is full.
 */
void collector_check(struct collector *c, uint64_t now);

/* Room for a copy after the outer headers. */
struct oversize_room collector_room(const struct collector *c, const struct split_packet *p);
