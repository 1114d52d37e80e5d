/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Memory that is mapped twice in a row, so that what begins anywhere in its first half does not wrap. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* size: a multiple of the page size. 0 or -errno. */
int ring_memory_map(size_t size, uint8_t **memory);

/* NULL is fine. */
void ring_memory_unmap(uint8_t *memory, size_t size);
