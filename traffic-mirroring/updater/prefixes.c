// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "prefixes.h"

#include <stdlib.h>
#include <string.h>

/* By address, then shorter first: a prefix stands before all that it covers. */
static int compare(const void *left, const void *right)
{
	const struct prefix *a = &((const struct prefix_entry *)left)->prefix;
	const struct prefix *b = &((const struct prefix_entry *)right)->prefix;
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : (int)a->len - (int)b->len;
}

static bool covers(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int bytes = outer->len / 8, bits = outer->len % 8;

	if (outer->len > inner->len || memcmp(outer->addr, inner->addr, bytes))
		return false;
	return !bits || !((outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits));
}

static size_t join_equal(struct prefix_entry *entries, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		struct prefix_entry *last = out ? &entries[out - 1] : NULL;

		if (!last || compare(last, &entries[i])) {
			entries[out++] = entries[i];
			continue;
		}
		last->added |= entries[i].added;
		if (entries[i].held) {
			last->held = true;
			memcpy(last->word, entries[i].word, sizeof(last->word));
		}
	}
	return out;
}

void prefixes_merge(struct prefix_entry *entries, size_t *n, unsigned int spare)
{
	unsigned int active = !spare;
	size_t parent = NO_PARENT;

	if (*n)
		qsort(entries, *n, sizeof(*entries), compare);
	*n = join_equal(entries, *n);

	for (size_t i = 0; i < *n; i++) {
		struct prefix_entry *e = &entries[i];
		uint64_t above[MIRROR_BANKS] = { 0, 0 };

		while (parent != NO_PARENT && !covers(&entries[parent].prefix, &e->prefix))
			parent = entries[parent].parent;
		e->parent = parent;
		if (parent != NO_PARENT)
			memcpy(above, entries[parent].word, sizeof(above));

		e->was = e->word[spare];
		if (!e->held)
			e->word[active] = above[active];
		e->word[spare] = above[spare] | e->added;
		e->keep = e->word[spare] != above[spare] || e->word[active] != above[active];
		parent = i;
	}
}
