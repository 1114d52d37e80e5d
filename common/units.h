/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Numbers as text, alone or with a unit, such as 16M or 90s. */
#pragma once

struct unit {
	const char *name; /* upper or lower case; "": a number alone */
	unsigned long factor;
};

/* The largest unit comes first; the last entry has no name. */
extern const struct unit units_size[]; /* bytes: K, M, G, T */
extern const struct unit units_time[]; /* seconds: s, m, h, d */

/* Both: 0, or -EINVAL, silently: the caller knows what the number was for. */

/* Reads the whole text as a decimal number from min to max. */
int number_parse(const char *text, unsigned long min, unsigned long max, unsigned long *number);

/* Reads a number and a unit. min, max and *number are in the smallest unit. */
int units_parse(const char *text, const struct unit *units, unsigned long min, unsigned long max,
		unsigned long *number);

#define UNITS_LEN 32

/* Prints the shortest text that units_parse() reads back as this number, which is not 0. */
void units_print(unsigned long number, const struct unit *units, char text[UNITS_LEN]);
