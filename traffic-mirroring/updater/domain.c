// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../host/names.h"
#include "../wire/domain_name.h"
#include "list.h"

bool name_parse(const char *text, size_t len, struct mirror_name *name)
{
	char lower[NAME_SIZE];

	*name = (struct mirror_name){ .suffix = len > 2 && !memcmp(text, "*.", 2) };
	if (!domain_name((const uint8_t *)text + 2 * name->suffix, len - 2 * name->suffix, lower))
		return false;
	name->len = strlen(lower);
	memcpy(name->text, lower, name->len);
	return true;
}

int name_list_add(struct name_list *list, const struct mirror_name *name)
{
	struct mirror_name *at = list_grow(list->at, list->n, sizeof(*at));

	if (!at)
		return -ENOMEM;
	list->at = at;
	list->at[list->n++] = *name;
	return 0;
}

/* In their order, what one covers follows it without a gap. */
static void drop(struct name_list *list,
		 bool (*dropped)(const struct mirror_name *, const struct mirror_name *))
{
	size_t kept = 1;

	if (list->n < 2)
		return;
	qsort(list->at, list->n, sizeof(*list->at), name_compare);
	for (size_t i = 1; i < list->n; i++)
		if (!dropped(&list->at[kept - 1], &list->at[i]))
			list->at[kept++] = list->at[i];
	list->n = kept;
}

static bool is_same(const struct mirror_name *a, const struct mirror_name *b)
{
	return !name_compare(a, b);
}

void name_list_sort(struct name_list *list)
{
	drop(list, is_same);
}

void name_list_reduce(struct name_list *list)
{
	drop(list, name_covers);
}
