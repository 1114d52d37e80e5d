/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Undecided records with any packet, of few flows, between commits, limits and ends of time. The memory keeps
 * to its limit and is all free in the end, and of flows that no filter wants nothing is delivered.
 */
#define SETS 64
#include "../hold.h"
#include "hold_arrays.h"

#include <stdlib.h>
#include <string.h>

#include "../../../common/clock.h"

#define UNSENT (512 << 10) /* the most that waits in the batch */

static struct deliverer delivery = { .shared = &hold_arrays, .batch = { .shared = &hold_arrays } };
static uint64_t now;

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The input, from which everything is taken. */
static struct {
	const uint8_t *at;
	size_t len;
} in;

static uint8_t next(void)
{
	if (!in.len)
		return 0;
	in.len--;
	return *in.at++;
}

static size_t take(void *to, size_t len)
{
	len = len < in.len ? len : in.len;
	memcpy(to, in.at, len);
	in.at += len;
	in.len -= len;
	return len;
}

static void put_headers(uint8_t *at, uint8_t choice, size_t len)
{
	static const uint8_t headers[34] = { [12] = 8, [14] = 0x45, [22] = 64, [26] = 10, [30] = 192 };

	memcpy(at, headers, sizeof(headers));
	at[16] = (len + 40) >> 8;
	at[17] = len + 40;
	at[23] = choice & 1 ? 6 : choice & 2 ? 17 : 1;
	memset(at + 34, 0, 20);
	at[27 + (choice & 4)] = choice >> 4 & 3; /* an end */
	at[46] = 5 << 4;
	at[47] = next(); /* flags of TCP */
	at[41] = next(); /* sequence number */
}

/* A record with a packet of its own, or with headers that make sense. */
static void put_record(struct hold *h)
{
	uint8_t choice = next(), flow = next(), kind = next();
	struct mirror_record *r = calloc(1, sizeof(*r) + 54 + 256);
	size_t headers = choice & 8 ? 54 : 0, len = take(r->data + headers, next());

	if (headers)
		put_headers(r->data, choice, len);
	r->time_ns = now;
	r->cap_len = r->wire_len = headers + len;
	r->wire_len += choice & 0x80 ? 1000 * kind : 0;
	r->flags = RECORD_UNDECIDED | (kind & (RECORD_EGRESS | RECORD_L3 | RECORD_BANK));
	r->gso_size = kind & 16 ? 100 : 0;
	r->vlan_proto = kind & 32 ? 0x81 : 0;
	r->ruleset = kind & 64 ? flow : 0;
	r->candidates = next();
	r->generation = kind & 128 ? next() : rulesets[0].generation[0];
	r->hash = flow & 7;
	r->tag = flow >> 3 | 1;
	r->seen = now / SECOND_NS;
	/* exactly so long, so that the sanitizer sees what is read beyond */
	r = realloc(r, sizeof(*r) + r->cap_len);
	hold_record(h, r, r->cap_len);
	free(r);
}

/* One name, and filters for it, or none that wants anything. */
static void commit(bool wanting)
{
	uint8_t bank = next() & 1, choice = next();
	struct mirror_ruleset *set = &rulesets[0];

	set->generation[bank] += choice & 1 ? 1 : RULESET_USE;
	set->nodomain[bank] = wanting ? next() : 0;
	set->verdict[bank][choice % 8] = (struct mirror_verdict){ .action = next() % 3,
								  .trim = next() & 3,
								  .snaplen = next(),
								  .sample = next() & 3,
								  .first = next() };
	accepts[CLASS_FIRST].bank[bank] = wanting ? next() : 0;
	names[CLASS_FIRST].suffix = choice >> 1 & 1;
	names[CLASS_FIRST].len = take(names[CLASS_FIRST].text, choice >> 4);
	state_map.names_generation += choice >> 2 & 1;
}

static void reset(void)
{
	memset(&state_map, 0, sizeof(state_map));
	memset(sent, 0, sizeof(sent));
	memset(flows, 0, sizeof(flows));
	memset(names, 0, sizeof(names));
	memset(rulesets, 0, sizeof(rulesets));
	accepts[CLASS_FIRST] = (struct mirror_words){};
	names[CLASS_FIRST] = (struct mirror_name){ .len = 1, .text = "a" };
	now = SECOND_NS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hold *h;
	bool wanting;

	in.at = data;
	in.len = size;
	reset();
	h = hold_new(&hold_arrays, &delivery);
	check(h);
	wanting = next() & 1;
	settings = (struct mirror_settings){
		.hold_memory = (1 + next()) << 10, .hold_flow = 64 << 10, .hold_packets = 20, .hold_time = 1
	};
	commit(wanting);
	while (in.len) {
		uint8_t what = next();

		now += what * 1000000ULL;
		if (what < 200)
			put_record(h);
		else if (what < 220)
			commit(wanting);
		else if (what < 240)
			hold_expire(h, now);
		else
			hold_end(h);
		check(hold_bytes(h) <= settings.hold_memory + UNSENT);
		check(wanting || !sent[SENT_NO_COLLECTOR]);
	}
	batch_send(&delivery.batch);
	hold_sent(h);
	check(hold_bytes(h) <= settings.hold_memory);
	hold_end(h);
	check(!hold_bytes(h) && !sent[SENT_UNDECIDED]);
	hold_free(h);
	return 0;
}
