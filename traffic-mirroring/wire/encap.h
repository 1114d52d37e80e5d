/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Encapsulation: the bytes before a copy inside the UDP datagram, the IP packet or the frame, in each format
 * (../abi/formats.h).
 *
 * In formats for frames, a copy from an interface without Ethernet header gets one: addresses of zeros, and
 * the EtherType of its IP version.
 *
 * Metadata in Geneve options (RFC 8926 3.5), option class 0xfff1, from the experimental range; all
 * without the critical bit, so that a receiver may ignore them. Network byte order:
 *
 *   type 1, 4 bytes: filter (8 bits, counted from 1), direction (8 bits: 0 ingress, 1 egress), 16 bits 0
 *   type 2, 4 bytes: length of the whole frame, even if the copy is truncated
 *   type 3, 8 bytes: time when it passed the host, nanoseconds since 1970-01-01 00:00 UTC
 */
#pragma once

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

/* The origin of a copy. */
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
 * Writes the encapsulation, which replaces the copy's first *skip bytes, to outer (ENCAP_MAX bytes). The
 * datagram is then: outer, the copy's header from *skip on, its payload. Returns the bytes written;
 * -EPROTONOSUPPORT: not an IP packet, and the format carries nothing else; -EBADMSG: truncated within the
 * bytes to replace. If a copy must be truncated to fit the path, set SPLIT_TRIMMED and build again.
 */
int encap_build(const struct encap *e, const struct split_packet *p, const struct encap_origin *origin,
		uint8_t *outer, uint32_t *skip);
