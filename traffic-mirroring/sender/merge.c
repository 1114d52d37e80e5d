// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "merge.h"

/* The time of the ring's next record; if there is none yet, the earliest that it may have. */
static uint64_t next_time(struct ring *r, uint64_t now, bool *there)
{
	const struct mirror_record *record = ring_peek(r, now);

	*there = record;
	if (record)
		return record->time_ns;
	return r->floor > MERGE_SKEW_NS ? r->floor - MERGE_SKEW_NS : 0;
}

struct ring *merge_next(struct ring *rings, size_t n, uint64_t now, uint64_t *until)
{
	uint64_t oldest = UINT64_MAX, limit = UINT64_MAX, time;
	struct ring *next = NULL;
	bool there;

	for (size_t i = 0; i < n; i++) {
		time = next_time(&rings[i], now, &there);
		if (there && time < oldest) {
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

uint64_t merge_done(struct ring *rings, size_t n, uint64_t now)
{
	uint64_t oldest = UINT64_MAX, time;
	bool there;

	for (size_t i = 0; i < n; i++) {
		time = next_time(&rings[i], now, &there);
		if (time < oldest)
			oldest = time;
	}
	return oldest;
}
