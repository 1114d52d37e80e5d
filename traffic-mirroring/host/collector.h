/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A collector as text, in one of the formats of ../abi/formats.h:
 *
 *   FORMAT:ADDRESS[:PORT][/ID][@WEIGHT]   a tunnel; IPv6 addresses in brackets
 *   FORMAT:DEVICE[/ID][@WEIGHT]           out of a device
 *
 * PORT: UDP destination port (the format's). WEIGHT: share of the flows relative to the others' (1); 0: drained.
 */
#ifndef MIRRORING_COLLECTOR_H
#define MIRRORING_COLLECTOR_H

#include <stdbool.h>

#include "../abi/host.h"

#define COLLECTOR_WEIGHT_MAX 1000
#define COLLECTOR_TEXT_LEN 80 /* the longest collector, as collector_print() writes it, and a NUL */

/* 0, or -EINVAL with *why: what is wrong with the text, to stand behind it in an error. */
int collector_parse(const char *text, struct mirror_collector *collector, const char **why);

/* The shortest text that collector_parse() reads back. */
void collector_print(const struct mirror_collector *collector, char text[COLLECTOR_TEXT_LEN]);

/* Completes a collector whose format, address or device are set: port and id by default, checked against the format. */
int collector_complete(struct mirror_collector *collector, const char **why);

#endif
