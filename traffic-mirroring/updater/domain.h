/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The names of `domain` (../abi/flows.h): as text, and a filter's list of them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../abi/flows.h"

struct name_list {
	struct mirror_name *at;
	size_t n;
};

/* Reads a name, exact or *.suffix. False: it is none. */
bool name_parse(const char *text, size_t len, struct mirror_name *name);

/* 0 or -ENOMEM. */
int name_list_add(struct name_list *list, const struct mirror_name *name);

/* Sorts by the labels from the end, and drops every name that is there twice. */
void name_list_sort(struct name_list *list);

/* The same, and drops every name that another one of the list covers. */
void name_list_reduce(struct name_list *list);
