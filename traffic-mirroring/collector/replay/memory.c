/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "memory.h"

#include <stdlib.h>

void *memory_take(struct memory *memory, size_t size)
{
	void *block;

	while (size > memory->limit - memory->used)
		if (!memory->reclaim || !memory->reclaim(memory->context))
			return NULL;
	block = malloc(size);
	if (block)
		memory->used += size;
	return block;
}

void memory_give(struct memory *memory, void *block, size_t size)
{
	if (!block)
		return;
	free(block);
	memory->used -= size;
}
