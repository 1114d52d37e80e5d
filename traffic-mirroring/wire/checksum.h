/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The Internet checksum (RFC 1071), and what Linux leaves in its place: in a packet whose checksum is left
 * to the NIC, or to a later GSO step, the field holds the folded sum of the pseudo header, not complemented
 * ("partial").
 */
#ifndef MIRRORING_CHECKSUM_H
#define MIRRORING_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A sum of 16-bit words as they lie in memory, so that folding gives the two bytes of a checksum field.
 * Sums may be continued and added; every part but the last has an even length.
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
 * Pseudo header of TCP, UDP and ICMPv6. len: bytes of the layer-4 header and what follows. It can also be added later:
 * as 32 bits in network byte order, which lie in a sum as in a header.
 */
checksum_t checksum_pseudo(uint8_t family, const uint8_t *src, const uint8_t *dst, uint8_t proto,
			   uint32_t len);

/* The sum as 16 bits in memory order, not complemented. 0 only for a sum of nothing but zeros. */
uint16_t checksum_fold(checksum_t sum);

/* Where the field lies in a layer-4 header, or -1 for protocols without a pseudo header (SCTP has a CRC32c). */
int checksum_field(uint8_t proto);

/* Reads and writes a field as checksum_fold() gives it. */
uint16_t checksum_get(const uint8_t *field);
void checksum_put(uint8_t *field, uint16_t sum);

/*
 * Completes a field: sum is that of the pseudo header and of the whole layer-4 packet, with 0 in the field. What comes
 * out as 0 is written as 0xffff, the same sum: 0 says that there is none (RFC 768). So does Linux for any protocol
 * (skb_checksum_help()), except in TCP segments it makes of a larger packet: zero is for them.
 */
void checksum_complete(uint8_t *field, bool zero, checksum_t sum);

#endif
