/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rates as text: "100kpps" of copies, "500Mbit" of their bits, per second. */
#pragma once

#include <linux/types.h>

#include "../../common/units.h"

#define RATE_LEN UNITS_LEN

/* Sets one of the two, the other to 0. 0, or -EINVAL: the text is not a rate above 0. */
int rate_parse(const char *text, __u64 *packets, __u64 *bits);

/* The shortest text that rate_parse() reads back; one of the two is not 0. */
void rate_print(__u64 packets, __u64 bits, char text[RATE_LEN]);
