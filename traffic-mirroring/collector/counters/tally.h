/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters. Each thread counts in memory of its own, so that counting costs a load and a store; a sum is taken when
 * somebody asks.
 */
#ifndef COLLECTOR_TALLY_H
#define COLLECTOR_TALLY_H

#include <stdint.h>

enum tally {
	/* what becomes of a datagram */
	TALLY_DATAGRAMS,
	TALLY_KERNEL_DROPS,
	TALLY_FOREIGN,
	TALLY_SHORT,
	TALLY_INVALID,
	TALLY_CONTROL,
	TALLY_VNI,
	/* what becomes of a copy */
	TALLY_PACKETS,
	TALLY_BYTES,
	TALLY_CUT,
	TALLY_FILTERED,
	TALLY_WRITTEN,
	TALLY_WRITTEN_BYTES,
	TALLY_FILES,
	TALLY_FED,
	TALLY_FEED_ERRORS,
	/* what becomes of a TCP segment of a replayed port */
	TALLY_SEGMENTS,
	TALLY_SEGMENTS_BAD,
	TALLY_SEGMENTS_FRAGMENT,
	TALLY_SEGMENTS_OVERFLOW,
	TALLY_SEGMENTS_DUPLICATE,
	TALLY_SEGMENTS_REORDERED,
	TALLY_SEGMENTS_OUTSIDE,
	TALLY_SEGMENTS_MEMORY,
	/* what becomes of a flow */
	TALLY_FLOWS,
	TALLY_FLOWS_MIDSTREAM,
	TALLY_FLOWS_EVICTED,
	TALLY_FLOWS_REFUSED,
	TALLY_FLOWS_NOT_CHOSEN,
	TALLY_FLOWS_TLS,
	TALLY_FLOWS_HTTP2,
	TALLY_FLOWS_LOOP,
	/* what becomes of a flow's bytes: the first three are the whole */
	TALLY_BYTES_REQUESTS,
	TALLY_BYTES_SKIPPED,
	TALLY_BYTES_MISSING,
	TALLY_GAPS,
	/* what becomes of a request */
	TALLY_REQUESTS,
	TALLY_REQUESTS_GAP,
	TALLY_REQUESTS_CLOSED,
	TALLY_REQUESTS_MALFORMED,
	TALLY_REQUESTS_LARGE,
	TALLY_REQUESTS_DECLINED,
	TALLY_REQUESTS_UPGRADE,
	TALLY_REQUESTS_RATE,
	TALLY_REQUESTS_MEMORY,
	TALLY_REQUESTS_DRY,
	TALLY_REQUESTS_SENT,
	TALLY_REQUESTS_UNSENT,
	TALLY_RESENT,
	TALLY_RESPONSES,
	TALLY_RESPONSES_BAD,
	TALLY_RESPONSES_LOST,
	TALLY_RESPONSES_LATE,
	TALLIES
};

/* name: without prefix, as in metrics; help: one line. */
extern const struct tally_info {
	const char *name, *help;
} tally_info[TALLIES];

void tally_add(enum tally tally, uint64_t n);
uint64_t tally_sum(enum tally tally);

static inline void tally(enum tally tally)
{
	tally_add(tally, 1);
}

#endif
