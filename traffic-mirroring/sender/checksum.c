/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "checksum.h"

#include <netinet/in.h>
#include <string.h>

#include "bytes.h"

checksum_t checksum_add(checksum_t sum, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t four[4], word, rest = 0;

	/* as a tree, so that only one addition in four waits for the one before */
	for (; len >= sizeof(four); at += sizeof(four), len -= sizeof(four)) {
		memcpy(four, at, sizeof(four));
		sum = checksum_join(
			sum, checksum_join(checksum_join(four[0], four[1]), checksum_join(four[2], four[3])));
	}
	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = checksum_join(sum, word);
	}
	/* zeros behind the last byte do not change the sum, and keep each byte's place in its word */
	memcpy(&rest, at, len);
	return checksum_join(sum, rest);
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

void checksum_complete(uint8_t *field, uint8_t proto, checksum_t sum)
{
	uint16_t check = ~checksum_fold(sum);

	checksum_put(field, check || proto != IPPROTO_UDP ? check : 0xffff);
}
