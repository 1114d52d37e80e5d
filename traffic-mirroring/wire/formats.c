/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "formats.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define FORMAT(separator, ID, name, number, ...) [number] = { number, #name, __VA_ARGS__ },
static const struct format formats[FORMAT_COUNT] = { MIRROR_FORMATS(FORMAT, ) };

const struct format *format_of(unsigned int number)
{
	return number > FORMAT_NONE && number < FORMAT_COUNT ? &formats[number] : NULL;
}

const struct format *format_find(const char *name)
{
	for (unsigned int number = FORMAT_NONE + 1; number < FORMAT_COUNT; number++)
		if (!strcmp(formats[number].name, name))
			return &formats[number];
	return NULL;
}
