/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The names that the rules of a host use (../abi/flows.h): which of them covers which, and the class of a
 * flow by its name. Pure computation: no kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi/flows.h"

/* For qsort(): a name stands before all that it covers, and they follow it without a gap. */
int name_compare(const void *left, const void *right);

/* Whether outer accepts every name that inner accepts. */
bool name_covers(const struct mirror_name *outer, const struct mirror_name *inner);

/* An index of the map names. Free entries and damaged ones are not in it. */
struct names;

/*
 * Copies MIRROR_MAX_CLASSES entries. The map may be written at the same time: an entry that is being added is
 * in the index or not. To be freed with free(). NULL: out of memory.
 */
struct names *names_index(const struct mirror_name *map);

/* The most specific class that accepts a name in lower case and without a trailing dot, else CLASS_NONE. */
uint16_t names_class(const struct names *n, const char *text);

/* The class of this very entry, exact or a suffix. CLASS_NONE: it is not in the index. */
uint16_t names_find(const struct names *n, const struct mirror_name *name);

/* The class that accepts what this one does, and that has the fewest others. CLASS_NONE: there is none. */
uint16_t names_parent(const struct names *n, uint16_t class);

/* The classes in the order of name_compare(), in which parents come first. i: from 0 to names_count() - 1. */
size_t names_count(const struct names *n);
uint16_t names_at(const struct names *n, size_t i);
/* NULL: the class is not in the index. */
const struct mirror_name *names_name(const struct names *n, uint16_t class);
