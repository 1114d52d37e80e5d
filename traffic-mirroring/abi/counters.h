/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every counter, once: enums, names and descriptions are generated from these lists. The key of a counter is
 * its position in the list, counted from 1, and public: append new ones at the end, then run ci/generate,
 * which writes them into docs/map-abi.md. Key 0 of either map is unused: l3afd zeroes it at load.
 */
#pragma once

/*
 * The outcomes of the data path: enum mirror_outcome, map "counters". Each packet ends in exactly one.
 * C(name, public name, description, how monitoring treats it):
 *   COPIED  the packet was copied
 *   FAILED  the copy failed; MirroringCopiesFailing watches the share of these
 *   QUIET   outside of that share: no copy was wanted, or another alert covers it, or whether it is a fault
 *           depends on the filters
 */
#define MIRROR_OUTCOMES(C)                                                                                 \
	C(DISABLED, "disabled", "switched off, or no filter", QUIET)                                       \
	C(NO_MATCH, "no_match", "no filter wants it", QUIET)                                               \
	C(SKIPPED, "skipped", "the first filter that matches is a skip", QUIET)                            \
	C(SAMPLED_OUT, "sampled_out", "its flow is not in the sample", QUIET)                              \
	C(MALFORMED, "malformed", "headers too short or contradictory, and no filter wants it", QUIET)     \
	C(FRAGMENT_UNKNOWN, "fragment_unknown",                                                            \
	  "a later fragment whose first one was not seen, and the IP header does not decide", QUIET)       \
	C(OWN_COPY, "own_copy", "one of our own copies, never copied again", QUIET)                        \
	C(DEVICE, "device", "copied to a device", COPIED)                                                  \
	C(DEVICE_BUSY, "device_busy", "the device's queue reported congestion or a drop", FAILED)          \
	C(DEVICE_FAILED, "device_failed",                                                                  \
	  "the device did not take the copy: gone or down, out of memory, or the packet's own device",     \
	  FAILED)                                                                                          \
	C(DEVICE_NOT_IP, "device_not_ip",                                                                  \
	  "not an IP packet, or with a VLAN tag, and the device has no link-layer header", QUIET)          \
	C(RING, "ring", "copied into the ring of this CPU", COPIED)                                        \
	C(RING_FULL, "ring_full", "the sender does not keep up, or is dead", FAILED)                       \
	C(NO_SENDER, "no_sender", "there is no ring, or no sender was ever started", LOST)                 \
	C(SHED, "shed", "overload or a rate limit: its whole flow is shed", QUIET)                         \
	C(LINK_DOWN, "link_down", "the link to the collectors is down", FAILED)                            \
	C(NO_EXIT, "no_exit", "the filter does not say where copies go, or the map exits was emptied",     \
	  FAILED)                                                                                          \
	C(UNDECIDED, "undecided", "copied for the sender, which reads the name of its flow first", COPIED) \
	C(BEYOND_FIRST, "beyond_first", "its flow has had its first bytes or packets", QUIET)              \
	C(COUNTED, "counted", "a count rule matched: copied nothing", QUIET)

/*
 * The sender's counters: enum mirror_sent, map "sent". C(name, public name, description). A row without
 * a public name is not a counter.
 */
#define MIRROR_SENT(C)                                                                                   \
	C(RECORDS, "records", "records taken out of the rings")                                          \
	C(COPIES, "copies", "copies handed to the kernel")                                               \
	C(BYTES, "bytes", "bytes of these copies, without encapsulation")                                \
	C(SPLIT, "split", "copies segmented from GSO packets")                                           \
	C(UNSPLIT, "unsplit", "GSO packets sent unsegmented")                                            \
	C(TRIMMED, "trimmed", "copies truncated to snaplen")                                             \
	C(CHECKSUM_UNKNOWN, "checksum_unknown", "copies without a checksum, which was left to the NIC")  \
	C(OVERSIZE_TRUNCATED, "oversize_truncated", "copies truncated to fit the path")                  \
	C(OVERSIZE_DROPPED, "oversize_dropped", "copies too large for the path, dropped")                \
	C(OVERSIZE_FRAGMENTED, "oversize_fragmented", "copies too large for the path, fragmented")       \
	C(NOT_IP, "not_ip", "copies dropped: the format carries only IP")                                \
	C(NO_COLLECTOR, "no_collector", "copies dropped: no collector is left")                          \
	C(REFUSED, "refused", "copies refused by the kernel")                                            \
	C(LAG_MS, NULL, "gauge: age of the oldest record when it was taken, in milliseconds")            \
	C(SHED, "shed", "copies of flows that are shed, because the path to their collector is full")    \
	C(CWR_UNKNOWN, "cwr_unknown", "segments without CWR, as in classic ECN; in AccECN they had it")  \
	C(UNDECIDED, NULL, "gauge: flows held until their name is known")                                \
	C(NAMES_FOUND, "names_found", "flows whose name was read")                                       \
	C(NAMES_NONE, "names_none", "flows without a name that can be read")                             \
	C(HELD_DROPPED, "held_dropped", "packets held until the name was known, then not wanted")        \
	C(HOLD_FULL, "hold_full", "flows given up before their name was known: --hold-memory is full")   \
	C(HOLD_FLOW_FULL, "hold_flow_full",                                                              \
	  "flows given up before their name was known: beyond --hold-flow or --hold-packets")            \
	C(HOLD_TIMEOUT, "hold_timeout", "flows given up before their name was known: after --hold-time") \
	C(HELD_LOST, "held_lost", "held packets dropped: --hold-memory was full, or the sender ended")   \
	C(HELD_STALE, "held_stale", "packets dropped: the filters they were held for are gone")          \
	C(WHOLE, "whole", "GSO packets sent out of devices whole, for kernel or NIC to segment")
