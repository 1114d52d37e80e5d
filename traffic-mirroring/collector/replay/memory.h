/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A limit on the total of many small allocations. For one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct memory {
	size_t used, limit; /* bytes */
	/* Gives back something that can be spared; false: there is nothing. NULL: nothing ever can. */
	bool (*reclaim)(void *context);
	void *context;
};

/* For memory that others allocate. False: the limit is reached. */
bool memory_reserve(struct memory *memory, size_t size);
void memory_release(struct memory *memory, size_t size);

/* malloc() and free() within the limit. size is that of the allocation; NULL: the limit is reached. */
void *memory_take(struct memory *memory, size_t size);
void memory_give(struct memory *memory, void *block, size_t size);
