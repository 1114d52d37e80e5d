/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A bound on what many small allocations take together. For one thread. */
#ifndef COLLECTOR_MEMORY_H
#define COLLECTOR_MEMORY_H

#include <stddef.h>

struct memory {
	size_t used, limit; /* bytes */
};

/* malloc() and free() within the bound. size is that of the allocation; NULL: the bound is reached. */
void *memory_take(struct memory *memory, size_t size);
void memory_give(struct memory *memory, void *block, size_t size);

#endif
