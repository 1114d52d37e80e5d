/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The beginning of a stream of bytes, from pieces in any order. Receivers differ in which of two overlapping
 * pieces they believe, so pieces that contradict each other are an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REASSEMBLY_MAX 65536 /* bytes of the stream */
#define REASSEMBLY_RANGES 64 /* without a gap each */

struct reassembly {
	struct reassembly_held *held; /* NULL: nothing yet */
	size_t room; /* bytes of the stream for which it has memory */
};

void reassembly_free(struct reassembly *r);

/* Memory that it holds. */
size_t reassembly_bytes(const struct reassembly *r);

/* offset: of the piece in the stream. False: beyond a limit, contradictory, or out of memory. */
bool reassembly_add(struct reassembly *r, uint64_t offset, const uint8_t *at, size_t len);

/* The stream up to the first gap; valid until the next call of the others. */
const uint8_t *reassembly_stream(const struct reassembly *r, size_t *len);
