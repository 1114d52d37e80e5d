/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "hex.h"

#include <stdio.h>

uint32_t hex_bytes(const char *hex, uint8_t *to)
{
	uint32_t len = 0;
	int taken;

	for (; sscanf(hex, " %2hhx%n", &to[len], &taken) == 1; hex += taken)
		len++;
	return len;
}
