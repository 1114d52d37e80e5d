/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the maps hold: for tables_read() and for a commit. */
#pragma once

#include "maps.h"
#include "prefixes.h"

/*
 * All entries of an address table, held and with their words, into a malloc'ed array. 0 or a negative errno.
 */
int read_prefixes(const struct tables *t, const struct address_table *table, struct prefix_entry **entries,
		  size_t *n);

/* All entries of the outers table, whatever bank they belong to. 0 or a negative errno. */
struct outer_entry {
	struct mirror_outer outer;
	struct mirror_words words;
};
int read_outers(const struct tables *t, struct outer_entry outers[MIRROR_MAX_OUTERS], size_t *n);
