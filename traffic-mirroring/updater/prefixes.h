/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What an LPM table must hold while two banks are in it. A lookup returns the longest prefix of
 * either bank, so every entry carries the right word for both: the union of all prefixes of
 * that bank that cover it. Pure computation: no kernel.
 */
#pragma once

#include "filter.h"

struct prefix_entry {
	struct prefix prefix; /* the first member, for prefix_compare() */
	bool held; /* in: the table holds it */
	uint64_t word[MIRROR_BANKS]; /* in, of a held entry: its words; out, of each: those it must have */
	uint64_t added; /* in: filters of the new configuration that name this very prefix */
	uint64_t was; /* out, of a held entry: its word of the bank that is written */
	bool keep; /* out: false: the table does not need it */
	size_t parent; /* out: index of the longest other prefix that covers it, NO_PARENT: none */
};
#define NO_PARENT SIZE_MAX

/* Appends an entry to an array of n. 0 or -ENOMEM; the array is to be freed. */
int prefixes_add(struct prefix_entry **entries, size_t *n, const struct prefix_entry *entry);

/*
 * Sorts entries of one family, joins those with the same prefix, and completes them: *n is the new number.
 * spare is the bank that is written. Words of the other bank stay what lookups give now.
 */
void prefixes_merge(struct prefix_entry *entries, size_t *n, unsigned int spare);
