/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Extracts HTTP requests, or the bytes of other protocols, from copies of client traffic and sends them to
 * other servers, in a thread of its own. The workers only put segments into a queue; if it is full, segments
 * are dropped and counted, so a target never delays them.
 */
#pragma once

#include "flows.h"
#include "../../wire/copy.h"
#include "target.h"
#include "tcp.h"

#define REPLAY_RULES_MAX 16
#define REPLAY_TARGETS_MAX 64 /* of all rules */
#define REPLAY_HOST_MAX 256

struct replay_target {
	char host[REPLAY_HOST_MAX]; /* "name" or "name:port", as in a Host header */
	char name[REPLAY_HOST_MAX]; /* without a port */
	struct sockaddr_storage address;
	socklen_t address_len;
	bool tls;
	uint32_t rule, group;
};

/* Each group of a rule's targets gets all connections, and spreads them over its targets. */
struct replay_rule {
	uint16_t port; /* of the mirrored server */
	bool tcp; /* bytes are replayed, not requests */
	uint32_t first, targets; /* in replay_options.target */
	uint32_t groups;
};

struct replay_options {
	struct replay_rule rule[REPLAY_RULES_MAX];
	uint32_t rules;
	struct replay_target target[REPLAY_TARGETS_MAX]; /* in order of rules and groups */
	uint32_t targets;
	const char *host; /* Host header: NULL as the client sent it; "": the target's; else this */
	const char *client_header; /* name of a header to add with the client's address; NULL: none */
	const char *mark; /* name of a header that marks requests as replayed; "": none */
	const char *ca_file; /* NULL: the system's */
	bool insecure; /* certificates are not verified */
	uint32_t max_age; /* seconds that a request may take, with all its waiting */
	uint64_t rate; /* requests per second; 0: any */
	uint32_t percent; /* of the connections */
	bool dry_run;
	bool files; /* packets come from files: their time counts, they can wait, and make no circles */
	struct flows_options flows;
	size_t memory; /* total bytes */
};

struct replay;

/* Starts the thread. 0, or -errno after one log_error() line. */
int replay_start(const struct replay_options *options, struct replay **replay);

/* Both are thread-safe. The first takes a packet, if relevant; the second wakes the thread. */
void replay_packet(struct replay *replay, const struct copy *p);
void replay_wake(struct replay *replay);

/* NULL: it is one of --tcp. */
const struct target_stats *replay_stats(const struct replay *replay, uint32_t target);

/* For one caller of replay_packet(): whether the next packet is certain to find room. */
bool replay_ready(const struct replay *replay);

/* No more packets will come: ends the thread when all requests have responses, or at this time. */
#define REPLAY_NO_END UINT64_MAX
void replay_finish(struct replay *replay, uint64_t end_ns);
bool replay_finished(const struct replay *replay);

/* Ends it when all requests have responses, or at this time of CLOCK_MONOTONIC; NULL is fine. */
void replay_stop(struct replay *replay, uint64_t end_ns);
/* Frees it, including the data of replay_stats(). */
void replay_free(struct replay *replay);
