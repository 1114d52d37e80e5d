/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The index of names: which class accepts a name, which covers which. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../common/tests/unit.h"
#include "../names.h"

static struct mirror_name map[MIRROR_MAX_CLASSES];
static struct names *index_of_map;

static void set(uint16_t class, const char *text)
{
	struct mirror_name *name = &map[class];

	*name = (struct mirror_name){ .suffix = *text == '*' };
	name->len = strlen(text) - 2 * name->suffix;
	memcpy(name->text, text + 2 * name->suffix, name->len);
}

static uint16_t parent_of(uint16_t class)
{
	return names_parent(index_of_map, class);
}

static uint16_t class_of(const char *name)
{
	return names_class(index_of_map, name);
}

FIXTURE(setup)
{
	memset(map, 0, sizeof(map));
	return 0;
}

FIXTURE(teardown)
{
	free(index_of_map);
	index_of_map = NULL;
	return 0;
}

static void build(void)
{
	index_of_map = names_index(map);
	assert_non_null(index_of_map);
}

TEST_BETWEEN(test_most_specific, setup, teardown)
{
	set(10, "*.example.com");
	set(11, "www.example.com");
	set(12, "*.com");
	set(13, "*.a.example.com");
	set(14, "example.com");
	set(15, "*.www.example.com");
	set(MIRROR_MAX_CLASSES - 1, "org");
	build();
	assert_int_equal(names_count(index_of_map), 7);

	assert_int_equal(class_of("www.example.com"), 11);
	assert_int_equal(class_of("ww.example.com"), 10);
	assert_int_equal(class_of("wwww.example.com"), 10);
	assert_int_equal(class_of("x.www.example.com"), 15);
	assert_int_equal(class_of("a.example.com"), 10);
	assert_int_equal(class_of("b.a.example.com"), 13);
	assert_int_equal(class_of("c.b.a.example.com"), 13);
	assert_int_equal(class_of("example.com"), 14);
	assert_int_equal(class_of("notexample.com"), 12);
	assert_int_equal(class_of("com"), CLASS_NONE);
	assert_int_equal(class_of("org"), MIRROR_MAX_CLASSES - 1);
	assert_int_equal(class_of("a.org"), CLASS_NONE);
	assert_int_equal(class_of(""), CLASS_NONE);

	assert_int_equal(parent_of(11), 10);
	assert_int_equal(parent_of(15), 10);
	assert_int_equal(parent_of(13), 10);
	assert_int_equal(parent_of(10), 12);
	assert_int_equal(parent_of(14), 12);
	assert_int_equal(parent_of(12), CLASS_NONE);
	assert_int_equal(parent_of(MIRROR_MAX_CLASSES - 1), CLASS_NONE);
	assert_int_equal(parent_of(16), CLASS_NONE);
	assert_int_equal(parent_of(UINT16_MAX), CLASS_NONE);

	assert_int_equal(names_find(index_of_map, &map[10]), 10);
	assert_int_equal(names_find(index_of_map, &(struct mirror_name){ .len = 3, .text = "com" }),
			 CLASS_NONE);
}

/* What bpftool or a torn write leaves there. */
TEST_BETWEEN(test_damaged_map, setup, teardown)
{
	set(CLASS_NONE, "none");
	set(10, "a");
	set(11, "a");
	map[12] = (struct mirror_name){ .len = 255, .suffix = 7 };
	build();
	assert_int_equal(names_count(index_of_map), 2);
	assert_int_equal(class_of("none"), CLASS_NONE);
	assert_in_range(class_of("a"), 10, 11);
}

TEST_BETWEEN(test_empty, setup, teardown)
{
	build();
	assert_int_equal(class_of("a"), CLASS_NONE);
}

static bool accepts(const struct mirror_name *name, const char *text)
{
	size_t len = strlen(text);

	if (!name->suffix)
		return len == name->len && !memcmp(text, name->text, len);
	return len > name->len && text[len - name->len - 1] == '.' &&
	       !memcmp(text + len - name->len, name->text, name->len);
}

static void random_text(char *text)
{
	for (int labels = random() % 4; labels > 0; labels--)
		text += sprintf(text, "%s.", random() % 3 ? "a" : random() % 2 ? "a-b" : "b");
	strcpy(text, random() % 2 ? "a" : "b-a");
}

/* Against the definition: no class that accepts the name is more specific. */
TEST_BETWEEN(test_random, setup, teardown)
{
	char text[64] = "*.";

	for (uint16_t class = CLASS_FIRST; class < 60; class ++) {
		bool suffix = random() % 2;

		random_text(text + 2);
		set(class, suffix ? text : text + 2);
	}
	build();
	for (int i = 0; i < 2000; i++) {
		uint16_t class;

		random_text(text);
		class = class_of(text);
		if (class != CLASS_NONE)
			assert_true(accepts(&map[class], text));
		for (uint16_t other = CLASS_FIRST; other < 60; other++) {
			if (!accepts(&map[other], text))
				continue;
			assert_int_not_equal(class, CLASS_NONE);
			assert_true(name_covers(&map[other], &map[class]));
		}
	}
}

TEST_MAIN(NULL, NULL)
