/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The host's arrays (../abi/host.h), mapped: the sender can use them without privileges or system calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi/maps.h"

struct shared {
	struct mirror_state *state;
	struct mirror_group *groups; /* by slot; written by the updater */
	struct mirror_settings *settings; /* written by the updater */
	unsigned int thread; /* of the sender, whose counters these three are */
	__u64 *sent; /* by enum mirror_sent */
	__u64 *sent_errors; /* by errno */
	struct mirror_collector_counters *collectors; /* MIRROR_MAX_COLLECTORS per slot */
	/* those of the flows; NULL: no rule has needed it */
	struct mirror_flow_set *flows;
	uint32_t flow_sets; /* entries of it */
	struct mirror_words *accepts;
	struct mirror_name *names;
	struct mirror_ruleset *rulesets;
};

/* The sender's counters: names as in metrics, NULL if it is not a counter; help: a phrase. */
extern const struct sent_info {
	const char *name, *help;
} sent_info[SENT_COUNT];

/* With the counters of thread 0. 0 or a negative errno, after log_error(). */
int shared_open(struct shared *s);
/* The same for those of the flows alone, which were made or replaced. */
int shared_open_flows(struct shared *s);
void shared_close(struct shared *s);

/* The same memory, with the counters of another thread. s: as shared_open() has left it, as below. */
struct shared shared_for_thread(const struct shared *s, unsigned int thread);

/* Those that the data path gives records to. */
unsigned int shared_threads(const struct shared *s);

/* Counters of all threads together. */
__u64 shared_sent(const struct shared *s, enum mirror_sent counter);
__u64 shared_sent_errors(const struct shared *s, int error);
struct mirror_collector_counters shared_collector(const struct shared *s, unsigned int slot, int index);

/* A copy of the group in a slot, which nobody can change any more. False: the slot is free, or damaged. */
bool shared_group(const struct shared *s, unsigned int slot, struct mirror_group *group);

/*
 * The same of the group with this id, from the pins alone. 0; -ENOENT, silently: it is lost or damaged;
 * another negative errno, after log_error().
 */
int shared_group_by_id(uint32_t id, struct mirror_group *group);

/* The slots of a group and of those that get the same copies, in order. Returns how many. */
unsigned int shared_legs(const struct shared *s, uint32_t id, uint32_t slots[MIRROR_MAX_LEGS]);

/* The pid of the sender, 0: none; -ENOENT: this host has no rings; another negative errno. Logs nothing. */
long shared_sender(void);
/* Logs why shared_sender() cannot tell. */
void shared_report_sender(long error);

/*
 * Whether the sender does its work, if it runs: the last sign of life of each thread is less than 0.7 s old,
 * or another one comes within patience_ms. Also true for an older version's, which gives none.
 */
bool shared_sender_answers(const struct shared *s, unsigned int patience_ms);

/* mirror_collector_counters.unreachable: whether it is an error from the network, and its meaning as text. */
bool shared_is_answer(__u32 error);
const char *shared_unreachable_text(__u32 error);

/* Why a collector gets no copies; NULL: nothing is known against it. */
const char *shared_collector_fault(const struct mirror_collector_counters *c);

/* The name of an index of sent_errors: "EPERM". */
const char *shared_error_name(int error);

/* Entries of the flow table that a flow has, used recently or not. */
size_t shared_flows_used(const struct shared *s);

/* The age of the oldest record when a thread took it: the latest thread. */
double shared_lag_seconds(const struct shared *s);

/* The share of flows that are shed: of the host's, or of a collector's. */
double shared_shed_ratio(__u32 shed);

/* One writer, any number of readers, which never see torn values. */
static inline void count(__u64 *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* Copies that could not be sent, for the reason of a (positive) errno. */
static inline void count_refused(const struct shared *s, int error, uint64_t copies)
{
	count(&s->sent[SENT_REFUSED], copies);
	count(&s->sent_errors[error > 0 && error < MIRROR_ERRNOS ? error : 0], copies);
}
