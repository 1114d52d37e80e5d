/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Segments from the workers to the replay, in a ring of fixed size. Thread-safe. */
#pragma once

#include <stddef.h>

#include "segment.h"

struct queue;

/* NULL: no memory. */
struct queue *queue_new(size_t size);
void queue_free(struct queue *queue);

/* More than half of it is free. */
bool queue_has_room(struct queue *queue);
bool queue_is_empty(struct queue *queue);

/* False: it is full. */
bool queue_put(struct queue *queue, const struct segment *segment, uint32_t rule);

/* The oldest one, in place: its payload is valid until queue_next(). False: it is empty. */
bool queue_first(struct queue *queue, struct segment *segment, uint32_t *rule);
void queue_next(struct queue *queue);
