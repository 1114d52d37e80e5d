/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tally.h"

#include <stdatomic.h>

#define THREADS 128 /* more than main.c starts */

const struct tally_info tally_info[TALLIES] = {
	[TALLY_DATAGRAMS] = { "datagrams", "datagrams received" },
	[TALLY_KERNEL_DROPS] = { "kernel_drops", "datagrams that found the receive buffer full" },
	[TALLY_FOREIGN] = { "datagrams_foreign", "datagrams from addresses that --from does not allow" },
	[TALLY_SHORT] = { "datagrams_short", "datagrams that end within the tunnel's header" },
	[TALLY_INVALID] = { "datagrams_invalid", "datagrams without a tunnel header that we understand" },
	[TALLY_CONTROL] = { "datagrams_control", "control messages of a tunnel" },
	[TALLY_VNI] = { "datagrams_vni", "datagrams whose VNI --vni does not allow" },
	[TALLY_PACKETS] = { "packets", "copies received" },
	[TALLY_BYTES] = { "bytes", "bytes of the copies received" },
	[TALLY_CUT] = { "packets_cut", "copies that have fewer bytes than the packet had" },
	[TALLY_FILTERED] = { "packets_filtered", "copies that --filter does not accept" },
	[TALLY_WRITTEN] = { "packets_written", "copies written to files" },
	[TALLY_WRITTEN_BYTES] = { "written_bytes", "bytes written to files" },
	[TALLY_FILES] = { "files", "files begun" },
	[TALLY_FED] = { "packets_fed", "copies given to the TAP device" },
	[TALLY_FEED_ERRORS] = { "feed_errors", "copies that the TAP device did not take" },
	[TALLY_SEGMENTS] = { "segments", "TCP segments to replayed ports" },
	[TALLY_SEGMENTS_BAD] = { "segments_bad", "segments with a wrong checksum or contradictory flags" },
	[TALLY_SEGMENTS_FRAGMENT] = { "segments_fragment", "IP fragments of TCP to replayed ports" },
	[TALLY_SEGMENTS_OVERFLOW] = { "segments_overflow", "segments that found the replay's queue full" },
	[TALLY_SEGMENTS_DUPLICATE] = { "segments_duplicate",
				       "segments with nothing new: sent again, copied twice" },
	[TALLY_SEGMENTS_REORDERED] = { "segments_reordered", "segments that came before an earlier one" },
	[TALLY_SEGMENTS_OUTSIDE] = { "segments_outside", "segments outside of any window" },
	[TALLY_SEGMENTS_MEMORY] = { "segments_memory", "segments that could not be held for want of memory" },
	[TALLY_FLOWS] = { "flows", "connections seen" },
	[TALLY_FLOWS_MIDSTREAM] = { "flows_midstream", "connections whose beginning was not seen" },
	[TALLY_FLOWS_EVICTED] = { "flows_evicted", "connections that gave way to newer ones" },
	[TALLY_FLOWS_REFUSED] = { "flows_refused", "segments of connections for which there was no memory" },
	[TALLY_FLOWS_NOT_CHOSEN] = { "flows_not_chosen", "connections outside of --replay-percent" },
	[TALLY_FLOWS_TLS] = { "flows_tls", "connections with TLS: not replayed" },
	[TALLY_FLOWS_HTTP2] = { "flows_http2", "connections with HTTP/2: not replayed" },
	[TALLY_FLOWS_LOOP] = { "flows_loop", "connections to the target itself: not replayed" },
	[TALLY_BYTES_REQUESTS] = { "stream_bytes_requests", "bytes of streams that became whole requests" },
	[TALLY_BYTES_SKIPPED] = { "stream_bytes_skipped", "bytes of streams that became no request" },
	[TALLY_BYTES_MISSING] = { "stream_bytes_missing", "bytes of streams of which no copy came" },
	[TALLY_GAPS] = { "stream_gaps", "places where bytes of a stream are missing" },
	[TALLY_REQUESTS] = { "requests", "whole requests found" },
	[TALLY_REQUESTS_GAP] = { "requests_gap", "requests given up because bytes are missing" },
	[TALLY_REQUESTS_CLOSED] = { "requests_closed", "requests whose connection ended within them" },
	[TALLY_REQUESTS_MALFORMED] = { "requests_malformed", "requests that are not HTTP/1" },
	[TALLY_REQUESTS_LARGE] = { "requests_large", "requests larger than --flow-memory" },
	[TALLY_REQUESTS_DECLINED] = { "requests_declined", "requests whose body was announced and not sent" },
	[TALLY_REQUESTS_UPGRADE] = { "requests_upgrade", "requests to change the protocol" },
	[TALLY_REQUESTS_RATE] = { "requests_rate", "requests above --replay-rate" },
	[TALLY_REQUESTS_MEMORY] = { "requests_memory", "requests for which there was no memory" },
	[TALLY_REQUESTS_DRY] = { "requests_dry", "requests not sent because of --replay-dry-run" },
	[TALLY_REQUESTS_SENT] = { "requests_sent", "requests sent to the target" },
	[TALLY_REQUESTS_UNSENT] = { "requests_unsent", "requests that the target did not take" },
	[TALLY_RESENT] = { "requests_resent", "requests sent again on a new connection" },
	[TALLY_RESPONSES] = { "responses", "whole responses of the target" },
	[TALLY_RESPONSES_BAD] = { "responses_bad", "responses that are not HTTP/1" },
	[TALLY_RESPONSES_LOST] = { "responses_lost", "requests whose connection the target closed" },
	[TALLY_RESPONSES_LATE] = { "responses_late", "requests that the target did not answer in time" },
};

static struct block {
	_Alignas(64) _Atomic uint64_t value[TALLIES];
} blocks[THREADS];

static atomic_uint blocks_taken;
static _Thread_local struct block *mine;

void tally_add(enum tally tally, uint64_t n)
{
	_Atomic uint64_t *value;

	if (!mine)
		mine = &blocks[atomic_fetch_add(&blocks_taken, 1) % THREADS];
	value = &mine->value[tally];
	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

uint64_t tally_sum(enum tally tally)
{
	uint64_t sum = 0;

	for (int i = 0; i < THREADS; i++)
		sum += atomic_load_explicit(&blocks[i].value[tally], memory_order_relaxed);
	return sum;
}
