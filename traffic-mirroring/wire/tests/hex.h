/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Bytes as tables have them: hexadecimal digits, blanks between them. */
#pragma once

#include <stdint.h>

/* Returns how many bytes were written. */
uint32_t hex_bytes(const char *hex, uint8_t *to);
