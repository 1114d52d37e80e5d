// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "names.h"

#include <stdlib.h>
#include <string.h>

/*
 * Names are compared from their ends: "example.com" before "*.example.com", which counts as ".example.com",
 * before "www.example.com". So a suffix is the beginning of all that it covers.
 */
static int name_byte(const struct mirror_name *name, size_t from_end)
{
	if (from_end < name->len)
		return (unsigned char)name->text[name->len - 1 - from_end];
	return from_end == name->len && name->suffix ? '.' : -1;
}

int name_compare(const void *left, const void *right)
{
	const struct mirror_name *a = left, *b = right;
	int of_a, of_b;
	size_t i = 0;

	do {
		of_a = name_byte(a, i);
		of_b = name_byte(b, i++);
	} while (of_a == of_b && of_a >= 0);
	return of_a - of_b;
}

bool name_covers(const struct mirror_name *outer, const struct mirror_name *inner)
{
	size_t i = 0, size = outer->len + outer->suffix;

	while (i < size && name_byte(outer, i) == name_byte(inner, i))
		i++;
	return i == size && (outer->suffix || name_byte(inner, i) < 0);
}

struct entry {
	struct mirror_name name; /* the first member, for name_compare() */
	uint16_t class;
	uint16_t parent; /* its class */
};

struct names {
	struct entry entry[MIRROR_MAX_CLASSES];
	size_t n;
	uint16_t place[MIRROR_MAX_CLASSES]; /* by class: index in entry[], counted from 1; 0: none */
};

static void copy_entries(struct names *n, const struct mirror_name *map)
{
	for (uint16_t class = CLASS_FIRST; class < MIRROR_MAX_CLASSES; class ++) {
		struct entry *e = &n->entry[n->n];
		uint8_t len = __atomic_load_n(&map[class].len, __ATOMIC_ACQUIRE);

		if (!len || len > sizeof(e->name.text))
			continue;
		e->class = class;
		e->name.len = len;
		e->name.suffix = map[class].suffix == 1;
		memcpy(e->name.text, map[class].text, len);
		n->n++;
	}
}

static const struct entry *entry_of(const struct names *n, uint16_t class)
{
	size_t place = class < MIRROR_MAX_CLASSES ? n->place[class] : 0;

	return place ? &n->entry[place - 1] : NULL;
}

/* From e on, upwards: the closest that accepts all that a name does. NULL: none. */
static const struct entry *covering(const struct names *n, const struct entry *e,
				    const struct mirror_name *name)
{
	while (e && !name_covers(&e->name, name))
		e = entry_of(n, e->parent);
	return e;
}

struct names *names_index(const struct mirror_name *map)
{
	struct names *n = calloc(1, sizeof(*n));
	const struct entry *parent = NULL;

	if (!n)
		return NULL;
	copy_entries(n, map);
	qsort(n->entry, n->n, sizeof(*n->entry), name_compare);
	for (size_t i = 0; i < n->n; i++) {
		parent = covering(n, parent, &n->entry[i].name);
		n->entry[i].parent = parent ? parent->class : CLASS_NONE;
		n->place[n->entry[i].class] = i + 1;
		parent = &n->entry[i];
	}
	return n;
}

/* The last entry that does not stand after a name. NULL: none. */
static const struct entry *last_before(const struct names *n, const struct mirror_name *name)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (name_compare(&n->entry[middle], name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &n->entry[low - 1] : NULL;
}

uint16_t names_class(const struct names *n, const char *text)
{
	struct mirror_name name = { .len = strnlen(text, sizeof(name.text)) };
	const struct entry *e;

	memcpy(name.text, text, name.len);
	e = covering(n, last_before(n, &name), &name);
	return e ? e->class : CLASS_NONE;
}

uint16_t names_find(const struct names *n, const struct mirror_name *name)
{
	const struct entry *e = last_before(n, name);

	return e && !name_compare(e, name) ? e->class : CLASS_NONE;
}

uint16_t names_parent(const struct names *n, uint16_t class)
{
	const struct entry *e = entry_of(n, class);

	return e ? e->parent : CLASS_NONE;
}

size_t names_count(const struct names *n)
{
	return n->n;
}

uint16_t names_at(const struct names *n, size_t i)
{
	return n->entry[i].class;
}

const struct mirror_name *names_name(const struct names *n, uint16_t class)
{
	const struct entry *e = entry_of(n, class);

	return e ? &e->name : NULL;
}
