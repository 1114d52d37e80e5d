/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets for tests. A spec says what a packet is; packet_build() makes well-formed bytes of it, which
 * a test then damages: it cuts them, or overwrites some.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PACKET_MAX 2048
#define SHAPE_TAGS 4
#define SHAPE_EXTENSIONS 12

struct packet_spec {
	bool l3; /* no Ethernet header */
	struct {
		uint16_t type; /* 0x8100 or 0x88a8; 0: no tag */
		uint16_t tci;
	} tag[SHAPE_TAGS];
	uint8_t family; /* 4, 6; 0: not IP */
	uint16_t ethertype; /* of a packet that is not IP */
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint8_t options; /* IPv4: words of options */
	uint8_t extension[SHAPE_EXTENSIONS]; /* IPv6: types of the extension headers, n_extensions of them */
	uint8_t n_extensions;
	/*
	 * fragments: of IPv6, the fragment header has to be among the extensions; a later fragment ends with
	 * it
	 */
	uint16_t offset; /* units of 8 bytes */
	bool more;
	uint32_t id;
	uint8_t proto;
	uint16_t src_port, dst_port;
	uint8_t tcp_flags;
	uint8_t icmp_type;
	uint16_t payload; /* bytes after the layer-4 header */
	bool length_zero; /* the IP header's length field is 0: a GSO packet beyond 64 KiB */
};

struct packet {
	uint8_t data[PACKET_MAX];
	size_t len;
	/* where the IP and layer-4 headers start; l4 == len in a later fragment without payload */
	size_t l3, l4;
};

/* Layer-4 header sizes as the builder writes them. 0: a protocol without a header that we know. */
size_t packet_l4_size(uint8_t family, uint8_t proto);

void packet_build(const struct packet_spec *spec, struct packet *packet);

/* No effect when the packet is shorter. */
void packet_cut(struct packet *packet, size_t len);

/* Makes the IP header's length say what there is. */
void packet_fit(struct packet *packet);

void packet_print(FILE *to, const struct packet *packet);
