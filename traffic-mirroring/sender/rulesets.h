/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The filters that a record was matched with, for as long as it is held: a commit may overwrite them. A
 * snapshot of them is made when their first record comes, and is shared by all of them.
 */
#pragma once

#include "../abi/record.h"
#include "../host/shared.h"

#define RULESETS_SNAPSHOTS 256 /* at a time, of 64 KiB each */

struct rules {
	uint32_t users; /* held records, and struct rulesets */
	uint16_t ruleset;
	uint8_t bank;
	bool damaged; /* a commit wrote while it was copied again */
	uint32_t generation; /* of the bank */
	uint32_t names; /* names_generation: the words of later names are not here */
	uint64_t nodomain;
	struct mirror_verdict verdict[MIRROR_MAX_FILTERS];
	uint64_t accepts[MIRROR_MAX_CLASSES]; /* by class */
};

struct rulesets {
	const struct shared *shared;
	struct rules *last[MIRROR_MAX_RULESETS][MIRROR_BANKS];
	uint32_t snapshots;
};

/* The record's filters, until rulesets_release(). NULL: they are gone, or there is no memory. */
struct rules *rulesets_hold(struct rulesets *s, const struct mirror_record *r);
/* rules: may be NULL. */
void rulesets_release(struct rulesets *s, struct rules *rules);

/*
 * The filter that decides about flows of a class: the lowest of the candidates that accepts it. -ENOENT: none
 * does; -ESTALE: the filters are gone, and names have come after them.
 */
int rules_decide(struct rules *rules, const struct shared *s, uint64_t candidates, enum mirror_class class);
