/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "memory.h"

#include <stdlib.h>

bool memory_reserve(struct memory *memory, size_t size)
{
	while (size > memory->limit - memory->used)
		if (!memory->reclaim || !memory->reclaim(memory->context))
			return false;
	memory->used += size;
	return true;
}

void memory_release(struct memory *memory, size_t size)
{
	memory->used -= size;
}

void *memory_take(struct memory *memory, size_t size)
{
	void *block;

	if (!memory_reserve(memory, size))
		return NULL;
	block = malloc(size);
	if (!block)
		memory_release(memory, size);
	return block;
}

void memory_give(struct memory *memory, void *block, size_t size)
{
	if (!block)
		return;
	free(block);
	memory_release(memory, size);
}
