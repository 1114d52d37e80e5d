/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The beginning of a flow, as text: bytes (20K, 1M) or packets (10p). */
#pragma once

#include <stdint.h>

#define FIRST_LEN 32
#define FIRST_WHAT "bytes or packets such as 20K, 1M or 10p, up to 1G"

/* 0 or -EINVAL, silently. *first: as in struct mirror_filter. */
int first_parse(const char *text, uint32_t *first);
void first_print(uint32_t first, char text[FIRST_LEN]);
