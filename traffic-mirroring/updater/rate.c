// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../common/args.h"

#define RATE_MAX 1000000000000000ULL

/* Larger units first: so rate_print() takes the first that fits. */
static const struct {
	const char *unit;
	__u64 factor;
	bool bits;
} units[] = {
	{ "Mpps", 1000000, false },   { "kpps", 1000, false },	 { "pps", 1, false },
	{ "Gbit", 1000000000, true }, { "Mbit", 1000000, true }, { "kbit", 1000, true },
	{ "bit", 1, true },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

int rate_parse(const char *text, __u64 *packets, __u64 *bits)
{
	size_t len = strspn(text, "0123456789");
	unsigned long number;
	char digits[20];

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	for (size_t i = 0; i < UNITS; i++) {
		if (strcasecmp(text + len, units[i].unit))
			continue;
		if (args_number(digits, 1, RATE_MAX / units[i].factor, &number))
			return -EINVAL;
		*packets = units[i].bits ? 0 : number * units[i].factor;
		*bits = units[i].bits ? number * units[i].factor : 0;
		return 0;
	}
	return -EINVAL;
}

void rate_print(__u64 packets, __u64 bits, char text[RATE_LEN])
{
	__u64 rate = bits ? bits : packets;
	size_t i = 0;

	while (i < UNITS - 1 && (units[i].bits != !!bits || rate % units[i].factor))
		i++;
	snprintf(text, RATE_LEN, "%llu%s", rate / units[i].factor, units[i].unit);
}
