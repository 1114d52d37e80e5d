/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct segment segment; /* its payload follows */
	uint32_t rule;
	uint32_t size; /* of entry and payload; 0: the next entry is at the ring's beginning */
};

#define ALIGN(size) (((size) + _Alignof(struct entry) - 1) & ~(_Alignof(struct entry) - 1))

struct queue {
	pthread_mutex_t lock;
	size_t size, head, tail, used; /* bytes; entries go in at tail and out at head */
	uint8_t bytes[] __attribute__((aligned(_Alignof(struct entry))));
};

struct queue *queue_new(size_t size)
{
	struct queue *q = malloc(sizeof(*q) + size);

	if (!q)
		return NULL;
	*q = (struct queue){ .size = ALIGN(size - _Alignof(struct entry)) };
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct entry *entry_at(struct queue *q, size_t at)
{
	return (struct entry *)(q->bytes + at);
}

/* Makes room for size contiguous bytes at tail. */
static bool make_room(struct queue *q, size_t size)
{
	size_t behind = q->size - q->tail;

	if (size <= behind)
		return size <= q->size - q->used;
	if (behind + size > q->size - q->used)
		return false;
	/* less space than an entry needs means the same as the mark */
	if (behind >= sizeof(struct entry))
		entry_at(q, q->tail)->size = 0;
	q->used += behind;
	q->tail = 0;
	return true;
}

static size_t used(struct queue *q)
{
	size_t bytes;

	pthread_mutex_lock(&q->lock);
	bytes = q->used;
	pthread_mutex_unlock(&q->lock);
	return bytes;
}

bool queue_has_room(struct queue *q)
{
	return used(q) < q->size / 2;
}

bool queue_is_empty(struct queue *q)
{
	return !used(q);
}

bool queue_put(struct queue *q, const struct segment *segment, uint32_t rule)
{
	size_t size = ALIGN(sizeof(struct entry) + segment->len);
	struct entry *entry;
	bool room;

	pthread_mutex_lock(&q->lock);
	room = make_room(q, size);
	if (room) {
		entry = entry_at(q, q->tail);
		*entry = (struct entry){ *segment, rule, size };
		memcpy(entry + 1, segment->payload, segment->len);
		q->tail += size;
		q->used += size;
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

bool queue_first(struct queue *q, struct segment *segment, uint32_t *rule)
{
	size_t behind;
	bool some;

	pthread_mutex_lock(&q->lock);
	behind = q->size - q->head;
	if (q->used && (behind < sizeof(struct entry) || !entry_at(q, q->head)->size)) {
		q->used -= behind;
		q->head = 0;
	}
	some = q->used;
	if (some) {
		struct entry *entry = entry_at(q, q->head);

		*segment = entry->segment;
		segment->payload = (const uint8_t *)(entry + 1);
		*rule = entry->rule;
	}
	pthread_mutex_unlock(&q->lock);
	return some;
}

void queue_next(struct queue *q)
{
	uint32_t size;

	pthread_mutex_lock(&q->lock);
	size = entry_at(q, q->head)->size;
	q->head += size;
	q->used -= size;
	pthread_mutex_unlock(&q->lock);
}
