/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a datagram to the packet that it carries, through nested tunnels.
 *
 *   gue     variant 0 (IPv4 and IPv6) and variant 1 (just the IP packet)
 *   vxlan   RFC 7348
 *   geneve  RFC 8926: frames, IPv4 and IPv6; mirror-sender's options (encap.h) are read, others skipped
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "formats.h"

enum decap_result {
	DECAP_PACKET,
	DECAP_SHORT, /* ends within the tunnel's header */
	DECAP_INVALID, /* a version, flag, protocol or critical option that we do not understand */
	DECAP_CONTROL, /* a message of the tunnel, not a packet */
};

#define DECAP_DEPTH_MAX 3
#define DECAP_NO_VNI UINT32_MAX
#define DECAP_PORTS 16

/* The formats expected at UDP ports inside of a tunnel. */
struct decap_ports {
	struct {
		uint16_t port;
		enum mirror_format format;
	} at[DECAP_PORTS];
	uint32_t count;
};

struct decap {
	uint32_t offset, len; /* of the packet in the datagram */
	bool l3; /* an IP packet, else a frame */
	enum mirror_format format; /* of the innermost tunnel */
	uint32_t vni; /* of the innermost tunnel that has one */
	/* the tunnel's metadata about the packet; 0: none */
	uint32_t wire_len;
	uint64_t time_ns; /* since 1970-01-01 00:00 UTC */
	uint8_t filter; /* number, counted from 1 */
	bool egress; /* valid if filter is not 0 */
};

/* Whether decap_datagram() knows the format. */
bool decap_receives(enum mirror_format format);

/*
 * depth: the most tunnels to decapsulate. An inner packet that only claims to be another tunnel stays as it
 * is.
 */
enum decap_result decap_datagram(const uint8_t *datagram, uint32_t len, enum mirror_format format,
				 const struct decap_ports *ports, uint32_t depth, struct decap *d);
