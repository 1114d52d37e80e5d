/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "reassembly.h"

#include <stdlib.h>
#include <string.h>

#define STEP 2048 /* of the memory's size: most ClientHellos and requests are smaller */

struct range {
	uint32_t from, to;
};

struct reassembly_held {
	size_t count;
	struct range ranges[REASSEMBLY_RANGES]; /* in any order; they neither overlap nor touch */
	uint8_t stream[];
};

void reassembly_free(struct reassembly *r)
{
	free(r->held);
	*r = (struct reassembly){ 0 };
}

size_t reassembly_bytes(const struct reassembly *r)
{
	return r->held ? sizeof(*r->held) + r->room : 0;
}

static bool grow(struct reassembly *r, size_t size)
{
	size_t room = (size + STEP - 1) / STEP * STEP;
	struct reassembly_held *held;

	if (size <= r->room)
		return true;
	held = realloc(r->held, sizeof(*held) + room);
	if (!held)
		return false;
	if (!r->held)
		held->count = 0;
	*r = (struct reassembly){ held, room };
	return true;
}

/* Whether a piece has the same bytes as what is held. */
static bool agrees(const struct reassembly_held *held, struct range piece, const uint8_t *at)
{
	for (size_t i = 0; i < held->count; i++) {
		struct range both = held->ranges[i];

		if (both.from < piece.from)
			both.from = piece.from;
		if (both.to > piece.to)
			both.to = piece.to;
		if (both.from < both.to &&
		    memcmp(held->stream + both.from, at + (both.from - piece.from), both.to - both.from))
			return false;
	}
	return true;
}

/* Replaces the ranges that a piece overlaps or touches by one. */
static bool merge(struct reassembly_held *held, struct range piece)
{
	size_t count = 0;

	for (size_t i = 0; i < held->count; i++) {
		struct range range = held->ranges[i];

		if (range.to < piece.from || range.from > piece.to) {
			held->ranges[count++] = range;
			continue;
		}
		if (range.from < piece.from)
			piece.from = range.from;
		if (range.to > piece.to)
			piece.to = range.to;
	}
	held->count = count;
	if (count == REASSEMBLY_RANGES)
		return false;
	held->ranges[held->count++] = piece;
	return true;
}

bool reassembly_add(struct reassembly *r, uint64_t offset, const uint8_t *at, size_t len)
{
	struct range piece;

	if (!len)
		return true;
	if (offset > REASSEMBLY_MAX || len > REASSEMBLY_MAX - offset)
		return false;
	piece = (struct range){ offset, offset + len };
	if (!grow(r, piece.to) || !agrees(r->held, piece, at))
		return false;
	memcpy(r->held->stream + piece.from, at, len);
	return merge(r->held, piece);
}

const uint8_t *reassembly_stream(const struct reassembly *r, size_t *len)
{
	*len = 0;
	if (!r->held)
		return NULL;
	for (size_t i = 0; i < r->held->count; i++)
		if (!r->held->ranges[i].from)
			*len = r->held->ranges[i].to;
	return r->held->stream;
}
