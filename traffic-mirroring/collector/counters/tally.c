/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tally.h"

#include <stdatomic.h>

#define THREADS 128 /* more than main.c starts */

#define INFO(name, public, help) [TALLY_##name] = { public, help },
const struct tally_info tally_info[TALLIES] = { TALLY_LIST(INFO) };

static struct block {
	_Alignas(64) _Atomic uint64_t value[TALLIES];
} blocks[THREADS];

static atomic_uint blocks_taken;
static _Thread_local struct block *mine;

void tally_add(enum tally tally, uint64_t n)
{
	_Atomic uint64_t *value;

	if (!mine)
		mine = &blocks[atomic_fetch_add(&blocks_taken, 1) % THREADS];
	value = &mine->value[tally];
	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

uint64_t tally_sum(enum tally tally)
{
	uint64_t sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += atomic_load_explicit(&blocks[i].value[tally], memory_order_relaxed);
	return sum;
}
