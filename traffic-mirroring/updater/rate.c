// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rate.h"

#define RATE_MAX 1000000000000000UL

static const struct unit packet_units[] = { { "Mpps", 1000000 }, { "kpps", 1000 }, { "pps", 1 }, {} };

static const struct unit bit_units[] = {
	{ "Gbit", 1000000000 }, { "Mbit", 1000000 }, { "kbit", 1000 }, { "bit", 1 }, {},
};

int rate_parse(const char *text, __u64 *packets, __u64 *bits)
{
	unsigned long in_packets = 0, in_bits = 0;
	int err = units_parse(text, packet_units, 1, RATE_MAX, &in_packets);

	if (err)
		err = units_parse(text, bit_units, 1, RATE_MAX, &in_bits);
	if (err)
		return err;
	*packets = in_packets;
	*bits = in_bits;
	return 0;
}

void rate_print(__u64 packets, __u64 bits, char text[RATE_LEN])
{
	units_print(bits ? bits : packets, bits ? bit_units : packet_units, text);
}
