/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From a datagram to the packet that it carries, through nested tunnels.
 *
 *   gue     variant 0 (IPv4 and IPv6) and variant 1 (just the IP packet)
 *   vxlan   RFC 7348
 *   geneve  RFC 8926: frames, IPv4 and IPv6; mirror-sender's options (encap.h) are read, others skipped
 *   gre     RFC 2784 and 2890: frames, IPv4 and IPv6; checksum, key and sequence number are skipped
 *   erspan  types I and II; VNI: the session of type II
 *   vlan    a frame without its outermost 802.1Q tag; VNI: the VLAN ID
 *   dev     a frame
 *
 * What carries a packet counts as a tunnel, even if it is a device.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "formats.h"
#include "headers.h"

enum decap_result {
	DECAP_PACKET,
	DECAP_SHORT, /* ends within the tunnel's header */
	DECAP_INVALID, /* a version, flag, protocol or critical option that we do not understand */
	DECAP_CONTROL, /* a message of the tunnel, not a packet */
};

#define DECAP_DEPTH_MAX 3
#define DECAP_TAG_SIZE 4
#define DECAP_NO_VNI UINT32_MAX
#define DECAP_PORTS 24

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
	bool untagged; /* a tag was taken out: the frame's addresses are DECAP_TAG_SIZE before it */
	enum mirror_format format; /* of the innermost tunnel */
	uint32_t vni, outer_vni; /* of the innermost and the outermost tunnel that have one */
	uint32_t wire_len; /* of the packet, where a tunnel or the datagram's own length says it; else 0 */
	/* the tunnel's metadata about the packet; 0: none */
	uint64_t time_ns; /* since 1970-01-01 00:00 UTC */
	uint8_t filter; /* number, counted from 1 */
	bool egress; /* valid if filter is not 0 */
};

/*
 * The datagram is what follows UDP or IP, or a frame. depth: the most tunnels to decapsulate. An inner packet
 * that only claims to be another tunnel stays as it is.
 */
enum decap_result decap_datagram(const struct capture *datagram, enum mirror_format format,
				 const struct decap_ports *ports, uint32_t depth, struct decap *d);
