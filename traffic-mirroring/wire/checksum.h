/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The Internet checksum (RFC 1071), and Linux's substitute: in a packet whose checksum is left to the NIC, or
 * to a later GSO step, the field holds the folded sum of the pseudo header, not complemented ("partial").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A sum of 16-bit words in memory order, so that folding gives the two bytes of a checksum field. Sums may be
 * continued and added; every part but the last must have an even length.
 */
typedef uint64_t checksum_t;

/* Adds two sums. */
static inline checksum_t checksum_join(checksum_t a, checksum_t b)
{
	checksum_t sum = a + b;

	return sum + (sum < a);
}

/* Adds len bytes to a sum. */
checksum_t checksum_add(checksum_t sum, const void *bytes, size_t len);

/*
 * Pseudo header of TCP, UDP and ICMPv6. len: bytes of the layer-4 header and what follows. It can also be
 * added later: as 32 bits in network byte order, the same in a sum as in a header.
 */
checksum_t checksum_pseudo(uint8_t family, const uint8_t *src, const uint8_t *dst, uint8_t proto,
			   uint32_t len);

/* The sum as 16 bits in memory order, not complemented. 0 only for a sum of nothing but zeros. */
uint16_t checksum_fold(checksum_t sum);

/* The field's offset in a layer-4 header; -1 for protocols without a pseudo header (SCTP has a CRC32c). */
int checksum_field(uint8_t proto);

/* Read and write a field in the order of checksum_fold(). */
uint16_t checksum_get(const uint8_t *field);
void checksum_put(uint8_t *field, uint16_t sum);

/*
 * Completes a field: sum is that of the pseudo header and of the whole layer-4 packet, with 0 in the field. A
 * result of 0 is written as 0xffff, the same sum, because 0 means "no checksum" (RFC 768). Linux does the
 * same for any protocol (skb_checksum_help()), except in TCP segments of a GSO packet: zero allows 0 for
 * these.
 */
void checksum_complete(uint8_t *field, bool zero, checksum_t sum);
