/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Any bytes, summed in any two parts, give what RFC 1071 says; a completed packet sums up to 0xffff. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes.h"
#include "../checksum.h"

static uint16_t by_the_book(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? at[i] : at[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint16_t folded(checksum_t sum)
{
	uint8_t field[2];

	checksum_put(field, checksum_fold(sum));
	return get16(field);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t proto, *packet;
	checksum_t pseudo, sum;
	size_t cut;
	bool zero;

	if (size < 40)
		return 0;
	cut = (data[0] << 8 | data[1]) % size & ~1UL;
	sum = checksum_add(checksum_add(0, data, cut), data + cut, size - cut);
	if (folded(sum) != by_the_book(data, size))
		abort();

	proto = data[2] & 1 ? IPPROTO_UDP : IPPROTO_TCP;
	zero = data[2] & 4;
	packet = malloc(size);
	memcpy(packet, data, size);
	pseudo = checksum_pseudo(data[2] & 2 ? 6 : 4, data, data + 16, proto, size);
	checksum_put(packet + checksum_field(proto), 0);
	checksum_complete(packet + checksum_field(proto), zero, checksum_add(pseudo, packet, size));
	if (folded(checksum_add(pseudo, packet, size)) != 0xffff)
		abort();
	if (!zero && !checksum_get(packet + checksum_field(proto)))
		abort();
	free(packet);
	return 0;
}
