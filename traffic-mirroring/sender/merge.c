// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "merge.h"

struct ring *merge_next(struct ring *rings, size_t n, uint64_t now, uint64_t *until)
{
	uint64_t oldest = UINT64_MAX, limit = UINT64_MAX, time;
	const struct mirror_record *record;
	struct ring *next = NULL;

	for (size_t i = 0; i < n; i++) {
		record = ring_peek(&rings[i], now);
		if (record) {
			time = record->time_ns;
		} else {
			/* the next record in this ring may be this old */
			time = rings[i].floor > MERGE_SKEW_NS ? rings[i].floor - MERGE_SKEW_NS : 0;
		}
		if (record && time < oldest) {
			if (oldest < limit)
				limit = oldest;
			oldest = time;
			next = &rings[i];
		} else if (time < limit) {
			limit = time;
		}
	}
	*until = limit;
	return oldest <= limit ? next : NULL;
}
