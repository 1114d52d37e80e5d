/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "dedup.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../abi/flow_hash.h"

#define SETS (1U << 18)
#define WAYS 4

struct entry {
	uint64_t hash;
	uint64_t time_ns;
};

struct dedup {
	uint64_t window_ns;
	uint64_t seed;
	pthread_mutex_t lock;
	struct entry set[SETS][WAYS]; /* zeros: free */
};

struct dedup *dedup_new(uint64_t window_ns)
{
	struct dedup *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->window_ns = window_ns;
	/* against packets crafted to have the same hash; without it all works, too */
	(void)!getrandom(&d->seed, sizeof(d->seed), 0);
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void dedup_free(struct dedup *d)
{
	if (!d)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static uint64_t hash_copy(const struct copy *p, uint64_t seed)
{
	uint32_t end = p->headers.family && p->headers.end < p->frame.len ? p->headers.end : p->frame.len;
	const uint8_t *at = p->frame.at + p->headers.l3;
	uint32_t len = end - p->headers.l3;
	uint64_t hash = hash_mix(seed ^ len), word = 0;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = hash_mix(hash ^ word);
	}
	word = 0;
	memcpy(&word, at, len);
	return hash_mix(hash ^ word);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The entry of this hash, else the one to replace. */
static struct entry *find(struct entry *set, uint64_t hash)
{
	struct entry *oldest = set;

	for (int way = 0; way < WAYS; way++) {
		if (set[way].hash == hash)
			return &set[way];
		if (set[way].time_ns < oldest->time_ns)
			oldest = &set[way];
	}
	return oldest;
}

bool dedup_drops(struct dedup *d, const struct copy *p)
{
	uint64_t hash = hash_copy(p, d->seed);
	struct entry *entry;
	bool duplicate;

	pthread_mutex_lock(&d->lock);
	entry = find(d->set[hash % SETS], hash);
	duplicate = entry->hash == hash && distance(entry->time_ns, p->time_ns) <= d->window_ns;
	if (!duplicate)
		*entry = (struct entry){ hash, p->time_ns };
	pthread_mutex_unlock(&d->lock);
	return duplicate;
}
