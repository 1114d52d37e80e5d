/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A collector as text, in one of the formats of ../abi/formats.h:
 *
 *   FORMAT:ADDRESS[:PORT][/ID][@WEIGHT]   a tunnel; IPv6 addresses in brackets
 *   FORMAT:DEVICE[/ID][@WEIGHT]           out of a device
 *
 * PORT: UDP destination port (the format's). WEIGHT: share of the flows, relative to other collectors (1); 0:
 * drained.
 */
#pragma once

#include <stdbool.h>

#include "../abi/host.h"

#define COLLECTOR_WEIGHT_MAX 1000
#define COLLECTOR_TEXT_LEN 80 /* the longest text that collector_print() writes, with its NUL */

/* 0, or -EINVAL with *why: a predicate for an error message, to follow the text. */
int collector_parse(const char *text, struct mirror_collector *collector, const char **why);

/* The shortest text that collector_parse() reads back. */
void collector_print(const struct mirror_collector *collector, char text[COLLECTOR_TEXT_LEN]);

/* Completes a collector with format and address or device: default port, and a check against the format. */
int collector_complete(struct mirror_collector *collector, const char **why);
