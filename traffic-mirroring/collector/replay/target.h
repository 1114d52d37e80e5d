/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Requests go to a target: each of the clients' connections has one to the target, which is opened when the
 * first request is there, and opened again when the target has closed it. A request is sent when the one
 * before it has been answered. Answers are read and counted. Nothing here blocks. For one thread; the
 * statistics may be read from any.
 */
#pragma once

#include <stdatomic.h>

#include "link.h"
#include "memory.h"
#include "requests.h"
#include "rewrite.h"

#define TARGET_STATUSES 600
#define TARGET_LATENCIES 20 /* bucket i: up to 2^i * 64 us; the last: any */
#define TARGET_LATENCY_US 64

struct target_stats {
	atomic_ulong status[TARGET_STATUSES]; /* answers by status code; 0: codes out of range */
	atomic_ulong latency[TARGET_LATENCIES];
	atomic_ulong latency_us; /* sum */
};

struct target;
struct target_connection;

struct target_options {
	struct link_target link;
	size_t memory; /* bytes, for its connections and what waits for them */
	uint64_t max_age_ns; /* what is not answered or, of a stream, not sent then is given up */
};

/* NULL: no memory. */
struct target *target_new(const struct target_options *options);
const struct target_stats *target_stats(const struct target *target);

/* NULL: no memory. */
struct target_connection *target_connect(struct target *target);

/* Queues a request; queue_max: bytes that may wait. One that finds no room is counted and dropped. */
void target_send(struct target_connection *c, const struct http_request *request,
		 const struct rewrite *rewrite, uint32_t queue_max, uint64_t now_ns);

/* No more requests: frees the connection when all are answered. */
void target_finish(struct target_connection *c);

/* To be called every second or so. Ends what takes too long, and frees what has finished. */
void target_expire(struct target *target, uint64_t now_ns);

/* Requests wait for others on the same connection, or are many. */
bool target_is_loaded(const struct target *target);

/* Requests wait for the target. */
bool target_busy(const struct target *target);

/* Ends every connection. */
void target_end(struct target *target, uint64_t now_ns);
void target_free(struct target *target);
