/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Finds the headers of a packet. The packet may have been truncated when it was captured: only captured bytes
 * are read, and headers beyond them are reported as not seen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../abi/ip.h"

struct capture {
	const uint8_t *at;
	uint32_t len; /* bytes captured */
	uint32_t wire_len; /* bytes of the packet, >= len */
};

#define HEADERS_JUMBO_SIZE 8 /* a hop-by-hop header with only the jumbo option */

/* One IP header and what follows it. Offsets count from the capture's first byte. */
struct headers {
	uint8_t family; /* 4, 6; 0: no IP header was found, and all else is 0 */
	uint8_t proto; /* of layer 4; in IPv6 the one after the last extension header seen */
	uint8_t fragment; /* enum fragment */
	bool jumbo; /* IPv6: TCP follows just a hop-by-hop jumbo option, as in BIG TCP */
	uint32_t id; /* of a fragmented datagram */
	uint32_t l3; /* IP header */
	uint32_t l4; /* after it and its extension headers; 0: these were not captured completely */
	uint32_t data; /* after the layer-4 header; 0: that was not captured completely, or is unknown */
	uint32_t end; /* end of the IP packet by its own header, which may be beyond the capture */
	uint32_t src, dst; /* addresses for the pseudo header: with a routing header, the final dst */
};

/* The outermost IP header, after Ethernet and up to two VLAN tags, or, if l3, at the first byte. */
void headers_parse(const struct capture *c, bool l3, struct headers *h);

/*
 * The bytes of the headers, from the first one of the capture to the end of layer 4, or as far as they were
 * found. Of what is not IP: HEADERS_NOT_IP, which is all of ARP.
 */
#define HEADERS_NOT_IP 64
uint32_t headers_size(const struct headers *h);

/* The IP header at an offset. */
void headers_parse_ip(const struct capture *c, uint32_t offset, struct headers *h);

enum inner {
	INNER_NONE, /* not a tunnel packet */
	INNER_FOUND,
	INNER_OPAQUE, /* a tunnel packet, but not captured, or in a form that cannot be parsed */
};

/*
 * The IP header inside a tunnel: IP in IP, GRE, VXLAN (also with GBP or GPE), Geneve, GUE and FOU. On other
 * than their usual UDP ports they are recognised if a checksum of the inner packet is left to the NIC. GRE
 * with checksums or sequence numbers, GUE with flags, and VXLAN with remote checksums are INNER_OPAQUE.
 */
enum inner headers_inner(const struct capture *c, const struct headers *outer, struct headers *inner);
