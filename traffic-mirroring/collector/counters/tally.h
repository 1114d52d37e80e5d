/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters. Each thread counts in its own memory, so that counting costs a load and a store; readers add
 * them up.
 */
#pragma once

#include <stdint.h>

/* T(name, public name, description), which docs/monitoring.md lists: run ci/generate after a change. */
#define TALLY_LIST(T)                                                                                   \
	/* what becomes of a datagram */                                                                \
	T(DATAGRAMS, "datagrams", "datagrams and frames received or read")                              \
	T(KERNEL_DROPS, "kernel_drops", "datagrams dropped because the receive buffer was full")        \
	T(FOREIGN, "datagrams_foreign", "datagrams from addresses that --from does not allow")          \
	T(SHORT, "datagrams_short", "datagrams that end within the tunnel header")                      \
	T(INVALID, "datagrams_invalid", "datagrams without a known tunnel header")                      \
	T(CONTROL, "datagrams_control", "control messages of a tunnel")                                 \
	T(OTHER, "datagrams_other", "packets of --read that no --listen receives")                      \
	T(VNI, "datagrams_vni", "datagrams whose VNI --vni does not allow")                             \
	/* what becomes of a copy */                                                                    \
	T(PACKETS, "packets", "copies received")                                                        \
	T(BYTES, "bytes", "bytes of the copies received")                                               \
	T(CUT, "packets_cut", "copies with fewer bytes than their packet")                              \
	T(FILTERED, "packets_filtered", "copies that --filter does not accept")                         \
	T(PACKETS_DUPLICATE, "packets_duplicate", "copies dropped by --dedup")                          \
	T(WRITTEN, "packets_written", "copies written to files")                                        \
	T(UNWRITTEN, "packets_unwritten", "copies dropped because the file or its reader was too slow") \
	T(WRITTEN_BYTES, "written_bytes", "bytes written to files, after compression")                  \
	T(FILES, "files", "files started")                                                              \
	T(FED, "packets_fed", "copies given to the TAP device")                                         \
	T(FEED_ERRORS, "feed_errors", "copies refused by the TAP device")                               \
	T(SERVED, "packets_served", "copies given to clients of --serve-pcap")                          \
	T(UNSERVED, "packets_unserved", "copies lost by clients of --serve-pcap that read too slowly")  \
	T(PCAP_CLIENTS, "pcap_clients", "clients of --serve-pcap")                                      \
	T(PCAP_CLIENTS_REFUSED, "pcap_clients_refused",                                                 \
	  "clients of --serve-pcap refused: there were too many")                                       \
	/* what becomes of a TCP segment of a replayed port */                                          \
	T(SEGMENTS, "segments", "TCP segments to replayed ports")                                       \
	T(SEGMENTS_BAD, "segments_bad", "segments with a wrong checksum or contradictory flags")        \
	T(SEGMENTS_FRAGMENT, "segments_fragment", "IP fragments of TCP to replayed ports")              \
	T(SEGMENTS_OVERFLOW, "segments_overflow",                                                       \
	  "segments dropped because the replay queue was full, or in it at the end")                    \
	T(SEGMENTS_DUPLICATE, "segments_duplicate",                                                     \
	  "segments with nothing new: retransmitted or copied twice")                                   \
	T(SEGMENTS_REORDERED, "segments_reordered", "segments that arrived out of order")               \
	T(SEGMENTS_OUTSIDE, "segments_outside", "segments outside the window")                          \
	T(SEGMENTS_MEMORY, "segments_memory", "segments dropped for lack of memory")                    \
	/* what becomes of a flow */                                                                    \
	T(FLOWS, "flows", "connections seen")                                                           \
	T(FLOWS_MIDSTREAM, "flows_midstream", "connections whose beginning was not seen")               \
	T(FLOWS_EVICTED, "flows_evicted", "connections evicted for newer ones")                         \
	T(FLOWS_REFUSED, "flows_refused", "segments of connections refused for lack of memory")         \
	T(FLOWS_NOT_CHOSEN, "flows_not_chosen", "connections outside of --replay-percent")              \
	T(FLOWS_TLS, "flows_tls", "connections with TLS: not replayed")                                 \
	T(FLOWS_HTTP2, "flows_http2", "connections with HTTP/2: not replayed")                          \
	T(FLOWS_UNCERTAIN, "flows_uncertain",                                                           \
	  "connections abandoned where servers may differ in what they execute")                        \
	T(FLOWS_LOOP, "flows_loop", "connections to a target itself: not replayed")                     \
	/* what becomes of a flow's bytes: the first four add up to all of them */                      \
	T(BYTES_REQUESTS, "stream_bytes_requests", "stream bytes that became whole requests")           \
	T(BYTES_TCP, "stream_bytes_tcp", "stream bytes of --tcp up to the first gap")                   \
	T(BYTES_SKIPPED, "stream_bytes_skipped", "stream bytes outside whole requests")                 \
	T(BYTES_MISSING, "stream_bytes_missing", "stream bytes of which no copy arrived")               \
	T(GAPS, "stream_gaps", "gaps: places where stream bytes are missing")                           \
	/* what becomes of a request; once it is found, of what each group gets of it */                \
	T(REQUESTS, "requests", "whole requests found")                                                 \
	T(REQUESTS_GAP, "requests_gap", "requests abandoned because bytes are missing")                 \
	T(REQUESTS_CLOSED, "requests_closed", "requests truncated by the end of their connection")      \
	T(REQUESTS_MALFORMED, "requests_malformed", "requests that are not HTTP/1, or ambiguous")       \
	T(REQUESTS_LARGE, "requests_large", "requests larger than --flow-memory")                       \
	T(REQUESTS_DECLINED, "requests_declined", "requests whose body was announced but not sent")     \
	T(REQUESTS_UPGRADE, "requests_upgrade", "requests to change the protocol")                      \
	T(REQUESTS_RATE, "requests_rate", "requests above --replay-rate")                               \
	T(REQUESTS_LOOP, "requests_loop", "requests that were replayed already: not replayed again")    \
	T(REQUESTS_MEMORY, "requests_memory", "requests dropped for lack of memory")                    \
	T(REQUESTS_DRY, "requests_dry", "requests not sent because of --replay-dry-run")                \
	T(REQUESTS_SENT, "requests_sent", "requests sent to the HTTP target")                           \
	T(REQUESTS_UNSENT, "requests_unsent", "requests that could not be sent to the HTTP target")     \
	T(REQUESTS_AGED, "requests_aged", "requests that waited longer than --max-age")                 \
	T(RESENT, "requests_resent", "requests sent again on a new connection")                         \
	T(RESPONSES, "responses", "whole responses from the HTTP target")                               \
	T(RESPONSES_BAD, "responses_bad", "responses that are not HTTP/1")                              \
	T(RESPONSES_LOST, "responses_lost", "requests whose connection the HTTP target closed")         \
	T(RESPONSES_LATE, "responses_late", "requests that the HTTP target did not answer in time")     \
	T(TLS_FAILED, "tls_failed", "TLS handshakes with an HTTPS target that failed")                  \
	/* what becomes of a stream of --tcp, and of what each group gets of it */                      \
	T(STREAMS_GAP, "tcp_streams_gap", "streams ended because bytes are missing")                    \
	T(STREAMS_MEMORY, "tcp_streams_memory", "streams ended for lack of memory")                     \
	T(STREAMS_UNSENT, "tcp_streams_unsent", "streams whose target did not take a byte in time")     \
	T(STREAMS_LATE, "tcp_streams_late", "streams whose target did not take the next byte in time")  \
	T(STREAMS_LOST, "tcp_streams_lost", "streams whose target closed the connection too early")     \
	T(TCP_SENT, "tcp_bytes_sent", "bytes sent to a target of --tcp")                                \
	T(TCP_UNSENT, "tcp_bytes_unsent", "bytes that could not be sent to a target of --tcp")

#define TALLY(name, public, help) TALLY_##name,
enum tally { TALLY_LIST(TALLY) TALLIES };
#undef TALLY

/* name: without prefix, as in metrics; help: a phrase. */
extern const struct tally_info {
	const char *name, *help;
} tally_info[TALLIES];

void tally_add(enum tally tally, uint64_t n);
uint64_t tally_sum(enum tally tally);

static inline void tally(enum tally tally)
{
	tally_add(tally, 1);
}
