/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The host's maps (../host.h) in the sender's memory, so that it needs no privilege and no system call to use them. */
#ifndef MIRRORING_SHARED_H
#define MIRRORING_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "../host.h"

struct shared {
	struct mirror_state *state;
	const struct mirror_group *groups; /* by slot */
	const struct mirror_settings *settings;
	__u64 *sent; /* by enum mirror_sent */
	__u64 *sent_errors; /* by errno */
	struct mirror_collector_counters *collectors; /* MIRROR_MAX_COLLECTORS per slot */
};

/* 0 or a negative errno, after log_error(). Unmapped when the process ends. */
int shared_open(struct shared *s);

/* What mirror_collector_counters.unreachable says of a collector. */
const char *shared_unreachable_text(__u32 error);

/* One writer, any number of readers, which see whole numbers. */
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

#endif
