/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "hex.h"

#include <ctype.h>

static uint8_t digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

uint32_t hex_bytes(const char *hex, uint8_t *to)
{
	uint32_t len = 0;

	for (; *hex; hex++)
		if (*hex != ' ') {
			to[len++] = digit(hex[0]) << 4 | digit(hex[1]);
			hex++;
		}
	return len;
}
