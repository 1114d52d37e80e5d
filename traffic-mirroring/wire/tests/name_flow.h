/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A flow whose name is read. Each packet is in memory of just its size, so that sanitizers see more. */
#pragma once

#include <netinet/tcp.h>

#include "../name.h"

enum { CLIENT, SERVER };

#define CLIENT_ISN 0xfffffff0u /* so that numbers wrap */
#define SERVER_ISN 7000

struct name_flow {
	struct name_reader *reader;
	enum name_state state; /* after the last packet */
	char name[NAME_SIZE]; /* "": none */
	/* of the packets from now on: bytes of Ethernet's padding, and bytes that were not captured */
	uint32_t padding, truncated;
};

void name_flow_begin(struct name_flow *f);
void name_flow_end(struct name_flow *f);

/* A TCP segment. seq counts from the end's SYN, which has 0. */
enum name_state name_flow_tcp(struct name_flow *f, int direction, uint8_t flags, uint32_t seq,
			      const void *payload, size_t len);

/* SYN and SYN+ACK. */
void name_flow_open(struct name_flow *f);

/* Bytes of the client's stream, from this offset on. */
enum name_state name_flow_send(struct name_flow *f, size_t offset, const void *bytes, size_t len);

/* gso_size: as in a GSO packet, 0: a datagram. */
enum name_state name_flow_udp(struct name_flow *f, int direction, uint32_t gso_size, const void *payload,
			      size_t len);

/* A packet with any layer 4. fragment: the field of the IPv4 header. */
enum name_state name_flow_packet(struct name_flow *f, int direction, uint8_t proto, uint16_t fragment,
				 uint32_t gso_size, const void *l4, size_t len);
