// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "first.h"

#include <errno.h>

#include "../../common/units.h"
#include "../abi/flows.h"

/* Counters keep clear of FLOW_PACKETS: they end at the first packet beyond this. */
#define FIRST_MAX (1UL << 30)

static const struct unit units_packets[] = { { "p", 1 }, {} };

int first_parse(const char *text, uint32_t *first)
{
	unsigned long n;

	if (!units_parse(text, units_packets, 1, FIRST_MAX, &n))
		*first = FLOW_PACKETS | n;
	else if (!units_parse(text, units_size, 1, FIRST_MAX, &n))
		*first = n;
	else
		return -EINVAL;
	return 0;
}

void first_print(uint32_t first, char text[FIRST_LEN])
{
	units_print(first & ~FLOW_PACKETS, first & FLOW_PACKETS ? units_packets : units_size, text);
}
