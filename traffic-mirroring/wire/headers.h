/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where the headers of a packet are. The packet may have been truncated when it was captured: nothing is read
 * after the bytes that are there, and headers beyond them are reported as not seen.
 */
#ifndef MIRRORING_HEADERS_H
#define MIRRORING_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

#include "../abi/ip.h"

struct capture {
	const uint8_t *at;
	uint32_t len; /* bytes that are there */
	uint32_t wire_len; /* bytes the packet has, >= len */
};

#define HEADERS_JUMBO_SIZE 8 /* the hop-by-hop header that holds nothing but the jumbo option */

/* One IP header and what follows it. Offsets count from the capture's first byte. */
struct headers {
	uint8_t family; /* 4, 6; 0: no IP header was found, and all else is 0 */
	uint8_t proto; /* of layer 4; in IPv6 the one after the extension headers, as far as they were seen */
	uint8_t fragment; /* enum fragment */
	bool jumbo; /* IPv6: all there is before TCP is the hop-by-hop jumbo option of a BIG TCP packet */
	uint32_t id; /* of a fragmented datagram */
	uint32_t l3; /* IP header */
	uint32_t l4; /* what follows it and its extension headers; 0: they were not seen to their end */
	uint32_t data; /* what follows the layer-4 header; 0: that was not seen whole, or is none that we know */
	uint32_t end; /* end of the IP packet by its own header, which may be beyond the capture */
	uint32_t src, dst; /* addresses as the pseudo header has them: with a routing header, the final dst */
};

/* The outermost IP header, after Ethernet and up to two VLAN tags, or, if l3, at the first byte. */
void headers_parse(const struct capture *c, bool l3, struct headers *h);

/* The IP header at an offset. */
void headers_parse_ip(const struct capture *c, uint32_t offset, struct headers *h);

enum inner {
	INNER_NONE, /* no packet in this one */
	INNER_FOUND,
	INNER_OPAQUE, /* a tunnel's, but not seen, or in a form that cannot be parsed */
};

/*
 * The IP header inside a tunnel: IP in IP, GRE, and on their usual UDP ports, VXLAN, Geneve and GUE
 * (variant 0 without flags). GRE with checksums or sequence numbers is INNER_OPAQUE.
 */
enum inner headers_inner(const struct capture *c, const struct headers *outer, struct headers *inner);

#endif
