/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The connections to replayed ports, from their clients' segments. Their number and memory are bounded. When
 * there is no room, flows of the lowest rank are evicted first, from the oldest on: a SYN flood evicts only
 * itself, and half requests make room for whole ones.
 */
#pragma once

#include <sys/queue.h>

#include "requests.h"
#include "stream.h"

#define FLOW_COPIES_MAX 4 /* servers that each get a flow's requests */

enum flow_rank {
	FLOW_BARE, /* no data yet; or closed, and kept so that late copies of its segments begin no flow */
	FLOW_BEGUN, /* no request is whole yet */
	FLOW_PROVEN,
	FLOW_RANKS,
};

struct flow {
	struct flow_key key;
	uint32_t rule;
	bool replayed; /* false: its segments are ignored */
	bool raw; /* its bytes are passed on as they are, not its requests */
	bool begun; /* some have been */
	bool cut; /* no more are */
	void *connection[FLOW_COPIES_MAX]; /* the caller's */
	/* the rest is for flows.c */
	struct flow *same_slot;
	TAILQ_ENTRY(flow) by_age;
	TAILQ_ENTRY(flow) in_waiting;
	enum flow_rank rank;
	bool waiting, closed;
	bool data; /* came */
	bool syn; /* its beginning was seen */
	uint32_t start; /* sequence number of its first byte */
	bool renewed; /* a SYN came that may begin another connection, whose first byte would be this one */
	uint32_t renewed_start;
	uint64_t seen_ns;
	struct stream stream;
	struct requests requests;
};

struct flows_sink {
	/* A new flow: sets replayed and raw. */
	void (*begin)(void *context, struct flow *flow);
	void (*request)(void *context, struct flow *flow, const struct http_request *request);
	/* The next bytes of a raw flow, from its first one on and without a gap. */
	void (*data)(void *context, struct flow *flow, const uint8_t *at, uint32_t len);
	/* Its end, or that of its raw bytes. whole: everything up to the client's FIN came. */
	void (*end)(void *context, struct flow *flow, bool whole);
	void *context;
};

struct flows_options {
	uint32_t max; /* flows */
	uint32_t request_max; /* bytes */
	struct stream_limits stream;
};

struct flows;

/* NULL: no memory. */
struct flows *flows_new(const struct flows_options *options, struct memory *memory,
			const struct flows_sink *sink);

void flows_segment(struct flows *flows, const struct segment *segment, uint32_t rule, uint64_t now_ns);

/* Call it regularly: gives up on segments that are too late. */
void flows_expire(struct flows *flows, uint64_t now_ns);

/* Ends all flows and frees everything. */
void flows_free(struct flows *flows);
