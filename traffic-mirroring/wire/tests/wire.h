/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets for the sender's tests, written from the RFCs alone, so that what the sender makes of a GSO packet
 * can be compared with what the wire carries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX 140000

enum tunnel {
	TUNNEL_NONE,
	TUNNEL_VXLAN,
	TUNNEL_VXLAN_GBP,
	TUNNEL_VXLAN_GPE,
	TUNNEL_GENEVE,
	TUNNEL_GUE,
	TUNNEL_FOU,
	TUNNEL_FOU_GRE,
	TUNNEL_GRE,
	TUNNEL_GRE_KEY,
	TUNNEL_IP,
	TUNNELS,
};

struct recipe {
	bool l3; /* no Ethernet header */
	uint16_t tag[2]; /* in band, 0: none */
	enum tunnel tunnel;
	uint8_t outer_family;
	bool outer_checksum; /* of UDP tunnels */
	uint16_t outer_port; /* of UDP tunnels, 0: the usual one */
	uint8_t family;
	uint8_t proto;
	uint8_t tcp_flags;
	bool accurate_ecn; /* AE is set */
	uint8_t tcp_options; /* words */
	uint8_t ip_options; /* IPv4: words */
	bool destination_options,
		routing; /* IPv6 extension headers; routing: the final destination lies in it */
	bool jumbo; /* IPv6 hop-by-hop jumbo option and a length of 0 */
	bool length_zero; /* IPv4 total length 0 */
	bool df;
	uint16_t id, outer_id; /* of the first segment */
	bool partial; /* checksums left to the NIC */
};

/*
 * Segment number index, of a packet whose segments carry gso_size bytes of payload; its own are
 * payload[0 … len). Returns its size.
 */
size_t wire_build(const struct recipe *r, uint32_t index, uint32_t gso_size, const uint8_t *payload,
		  size_t len, uint8_t *to);

/* Internet checksum of len bytes, by the book. */
uint16_t wire_sum(uint32_t start, const uint8_t *at, size_t len);

/* Bytes that look random, the same in each run. */
void wire_fill(uint8_t *at, size_t len, uint32_t seed);
