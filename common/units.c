// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct unit units_size[] = {
	{ "T", 1UL << 40 }, { "G", 1UL << 30 }, { "M", 1UL << 20 }, { "K", 1UL << 10 }, { "", 1 }, {},
};

const struct unit units_time[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "", 1 }, {} };

int number_parse(const char *text, unsigned long min, unsigned long max, unsigned long *number)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)*text)) /* strtoul() takes blanks and signs */
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*number = n;
	return 0;
}

int units_parse(const char *text, const struct unit *units, unsigned long min, unsigned long max,
		unsigned long *number)
{
	size_t len = strspn(text, "0123456789");
	unsigned long n;
	char digits[32];

	if (len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	while (units->name && strcasecmp(text + len, units->name))
		units++;
	if (!units->name || number_parse(digits, 0, max / units->factor, &n) || n * units->factor < min)
		return -EINVAL;
	*number = n * units->factor;
	return 0;
}

void units_print(unsigned long number, const struct unit *units, char text[UNITS_LEN])
{
	while (number % units->factor)
		units++;
	snprintf(text, UNITS_LEN, "%lu%s", number / units->factor, units->name);
}
