/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "bytes.h"

#define MANY 128 /* bytes from which vectors pay off */

/* The vector register of the smallest processor, in the compiler's portable notation. */
typedef uint64_t two_words __attribute__((vector_size(16)));

/*
 * Half-words are added without carries: each addition depends on its own accumulator only, so that the
 * processor can have many loads in flight; a packet's bytes come from another core's cache.
 */
static checksum_t add_many(const uint8_t **at, size_t *len)
{
	two_words sum[4] = { 0 }, two[2];

	for (; *len >= sizeof(two); *at += sizeof(two), *len -= sizeof(two)) {
		memcpy(two, *at, sizeof(two));
		sum[0] += two[0] & UINT32_MAX;
		sum[1] += two[0] >> 32;
		sum[2] += two[1] & UINT32_MAX;
		sum[3] += two[1] >> 32;
	}
	sum[0] += sum[1] + sum[2] + sum[3];
	return checksum_join(sum[0][0], sum[0][1]);
}

checksum_t checksum_add(checksum_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t word;
	uint32_t half;
	uint16_t quarter;

	if (len >= MANY)
		sum = checksum_join(sum, add_many(&at, &len));
	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = checksum_join(sum, word);
	}
	/* constant sizes: no function calls for short headers */
	if (len & sizeof(half)) {
		memcpy(&half, at, sizeof(half));
		sum = checksum_join(sum, half);
		at += sizeof(half);
	}
	if (len & sizeof(quarter)) {
		memcpy(&quarter, at, sizeof(quarter));
		sum = checksum_join(sum, quarter);
		at += sizeof(quarter);
	}
	if (len & 1) {
		quarter = 0;
		memcpy(&quarter, at, 1); /* a zero after the last byte keeps its position in the word */
		sum = checksum_join(sum, quarter);
	}
	return sum;
}

checksum_t checksum_pseudo(uint8_t family, const uint8_t *src, const uint8_t *dst, uint8_t proto,
			   uint32_t len)
{
	size_t size = family == 4 ? 4 : 16;
	uint8_t tail[8] = { [7] = proto };

	put32(tail, len);
	return checksum_add(checksum_add(checksum_add(0, src, size), dst, size), tail, sizeof(tail));
}

uint16_t checksum_fold(checksum_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (sum >> 16) + sum;
}

int checksum_field(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMPV6:
		return 2;
	}
	return -1;
}

uint16_t checksum_get(const uint8_t *field)
{
	uint16_t sum;

	memcpy(&sum, field, sizeof(sum));
	return sum;
}

void checksum_put(uint8_t *field, uint16_t sum)
{
	memcpy(field, &sum, sizeof(sum));
}

void checksum_complete(uint8_t *field, bool zero, checksum_t sum)
{
	uint16_t check = ~checksum_fold(sum);

	checksum_put(field, check || zero ? check : 0xffff);
}
