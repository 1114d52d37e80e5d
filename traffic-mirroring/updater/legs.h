/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Options of which each leg of a filter can have a value of its own, in rules and on the command line: VALUE,
 * for all legs, or VALUE+VALUE… in the order of the legs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../common/args.h"
#include "../abi/host.h"

#define SNAPLEN_MIN 14 /* an Ethernet header */
#define SNAPLEN_MAX 262144

/* In the order of enum mirror_own. */
enum leg_option { LEG_SNAPLEN, LEG_OVERSIZE, LEG_METADATA, LEG_SEGMENT, LEG_OPTIONS };

/* With a snaplen of 0 or more: the headers up to layer 4, and so many bytes of what follows. For all legs. */
#define SNAPLEN_HEADERS 0x80000000U
#define SNAPLEN_ZERO 0x40000000U /* beside it: zeros after that */

/* What each takes, for errors. */
#define LEG_SNAPLEN_VALUES                                                          \
	"0, a number of bytes from " ARGS_TEXT_OF(SNAPLEN_MIN) " to " ARGS_TEXT_OF( \
		SNAPLEN_MAX) ", one for each leg (A+B), headers, headers+N or headers+zero"
#define LEG_OVERSIZE_VALUES "truncate, drop, fragment, or one for each leg (A+B)"
#define LEG_SWITCH_VALUES "off, on, or one for each leg (A+B)"

/* An error: the option, its values, the legs. */
#define LEGS_MISFIT "%s has values for %u legs, but copies go to %zu"

struct leg_values {
	uint32_t n; /* 0: not given; 1: for all legs */
	uint32_t at[MIRROR_MAX_LEGS];
};

/* 0, or -EINVAL: the text is not a value or several. */
int legs_read(enum leg_option option, const char *text, struct leg_values *values);
void legs_print(FILE *to, enum leg_option option, const struct leg_values *values);

static inline uint32_t legs_value(const struct leg_values *values, size_t leg)
{
	return values->at[values->n > 1 ? leg : 0];
}

/* Whether there is a value for each of so many legs. */
static inline bool legs_fit(const struct leg_values *values, size_t legs)
{
	return values->n <= 1 || values->n == legs;
}

/* One value for all legs, where they agree. */
void legs_shorten(struct leg_values *values);

/* The snaplen of what all legs together need; 0: whole packets. */
uint32_t legs_largest_snaplen(const struct leg_values *values);
