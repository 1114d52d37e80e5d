/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Encapsulation: the bytes that stand before a copy inside the UDP datagram, the IP packet or the frame, in
 * each format (../abi/formats.h).
 *
 * A copy from an interface without Ethernet header gets one in formats for frames: addresses all zeros, and
 * the EtherType of its IP version.
 *
 * Metadata in Geneve options (RFC 8926 3.5), option class 0xfff1, of the range for experiments; all
 * without the critical bit, so that a receiver may ignore them. Network byte order:
 *
 *   type 1, 4 bytes: filter (8 bits, counted from 1), direction (8 bits: 0 ingress, 1 egress), 16 bits 0
 *   type 2, 4 bytes: length of the whole frame, of which the copy may be the beginning
 *   type 3, 8 bytes: when it passed the host, nanoseconds since 1970-01-01 00:00 UTC
 */
#ifndef MIRRORING_ENCAP_H
#define MIRRORING_ENCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats.h"
#include "split.h"

#define ENCAP_GENEVE_CLASS 0xfff1

enum encap_option {
	ENCAP_OPTION_ORIGIN = 1,
	ENCAP_OPTION_LENGTH = 2,
	ENCAP_OPTION_TIME = 3,
};

#define ENCAP_MAX 64 /* bytes that encap_build() writes at most */

struct encap;

/* Where a copy comes from. */
struct encap_origin {
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint32_t ifindex;
	uint8_t filter;
	bool egress;
};

/* One collector's encapsulation. */
struct encap {
	const struct format *format;
	uint32_t id; /* of struct mirror_collector */
	bool l3; /* format->l3, or its device has no Ethernet header */
	bool metadata; /* Geneve: with our options */
	uint32_t sequence; /* ERSPAN: of the next copy; the caller counts the copies it sends */
};

/*
 * Writes to outer (ENCAP_MAX bytes) what stands before the copy, instead of its first *skip bytes. The
 * datagram is then: outer, the copy's header from *skip on, its payload. Returns the bytes written;
 * -EPROTONOSUPPORT: not an IP packet, and the format takes only these; -EBADMSG: truncated within the bytes
 * to replace. A copy that must be truncated for lack of room gets SPLIT_TRIMMED and is built again.
 */
int encap_build(const struct encap *e, const struct split_packet *p, const struct encap_origin *origin,
		uint8_t *outer, uint32_t *skip);

#endif
