/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where TCP connections begin and end, for those who hold a flow's packets until its name is known: one
 * connection after another may have the same ends.
 */
#pragma once

#include <stdbool.h>

#include "headers.h"

/* What a packet tells of its connection. */
struct connection_packet {
	uint8_t flags; /* of TCP; 0: another protocol */
	uint32_t seq;
	int direction; /* which end sent it, 0 or 1 */
};

struct connection {
	uint32_t syn; /* the sequence number of the client's SYN */
	uint8_t client, ended; /* direction of the SYN; directions that have sent FIN, as bits */
};

struct connection_packet connection_packet(const struct capture *c, const struct headers *h);

/* The first packet of a connection. */
bool connection_begins(const struct connection_packet *p);

/* The connection of which this packet is the first one seen. */
struct connection connection_open(const struct connection_packet *p);

/* Another connection of the same ends: not a SYN that is repeated. */
bool connection_is_another(const struct connection *connection, const struct connection_packet *p);

/* With this packet reset by either end, or closed by both. */
bool connection_closes(struct connection *connection, const struct connection_packet *p);
