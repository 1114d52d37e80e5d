// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"

int prefixes_add(struct prefix_entry **entries, size_t *n, const struct prefix_entry *entry)
{
	struct prefix_entry *grown = list_grow(*entries, *n, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*entries = grown;
	(*entries)[(*n)++] = *entry;
	return 0;
}

static size_t join_equal(struct prefix_entry *entries, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		struct prefix_entry *last = out ? &entries[out - 1] : NULL;

		if (!last || prefix_compare(last, &entries[i])) {
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
		qsort(entries, *n, sizeof(*entries), prefix_compare);
	*n = join_equal(entries, *n);

	for (size_t i = 0; i < *n; i++) {
		struct prefix_entry *e = &entries[i];
		uint64_t above[MIRROR_BANKS] = { 0, 0 };

		while (parent != NO_PARENT && !prefix_covers(&entries[parent].prefix, &e->prefix))
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
