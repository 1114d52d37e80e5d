/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * HTTP requests out of the copies of what clients send, to other servers. A thread of its own does it all; the workers
 * only put segments into a queue, and what finds it full is counted, so that a target never holds anybody up.
 */
#ifndef COLLECTOR_REPLAY_H
#define COLLECTOR_REPLAY_H

#include "flows.h"
#include "../../wire/copy.h"
#include "target.h"

#define REPLAY_RULES_MAX 16
#define REPLAY_HOST_MAX 256

struct replay_rule {
	uint16_t port; /* of the mirrored server */
	char host[REPLAY_HOST_MAX]; /* "name" or "name:port" of the target, as in a Host header */
	struct sockaddr_storage address;
	socklen_t address_len;
};

struct replay_options {
	struct replay_rule rule[REPLAY_RULES_MAX];
	uint32_t rules;
	const char *host; /* Host header: NULL as the client sent it; "": the target's; else this */
	const char *client_header; /* name of a header that gets the client's address; NULL: none */
	uint64_t rate; /* requests per second; 0: any */
	uint32_t percent; /* of the connections */
	bool dry_run;
	struct flows_options flows;
	size_t memory; /* bytes in all */
};

struct replay;

/* Starts the thread. 0, or -errno after one log_error() line. */
int replay_start(const struct replay_options *options, struct replay **replay);

/* Both safe in several threads. Takes a packet, if it is of interest; wakes the thread. */
void replay_packet(struct replay *replay, const struct copy *p);
void replay_wake(struct replay *replay);

const struct target_stats *replay_stats(const struct replay *replay, uint32_t rule);

/* Ends it when all requests are answered, or after a few seconds; NULL is fine. */
void replay_stop(struct replay *replay);
/* Frees what replay_stats() showed. */
void replay_free(struct replay *replay);

#endif
