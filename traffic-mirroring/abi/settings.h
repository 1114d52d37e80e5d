/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The settings of a host: S(ID, option, type, member, default). struct mirror_settings and the updater's
 * options are generated from this list. Its order is that of the map: append new settings, with no padding
 * between. updater/settings.h describes the value of each.
 */
#pragma once

#include <linux/types.h>

/* per second, 0: no limit */
struct mirror_rate {
	__u64 packets; /* copies */
	__u64 bits; /* bits of copies */
};

#define MIRROR_SETTINGS(S)                                                                               \
	S(RING_MEMORY, "ring-memory", __u64, ring_memory, 64ULL << 20) /* bytes of all rings together */ \
	S(MAX_RATE, "max-rate", struct mirror_rate, max_rate, {})                                        \
	S(FAILOVER, "failover", __u32, failover, 0) /* 1: unreachable collectors are not used */         \
	S(SENDER_NICE, "sender-nice", __s32, nice, 5) /* of the sender, -20 to 19 */                     \
	/* of packets whose flow has no name yet: bytes of all, then of one flow */                      \
	S(HOLD_MEMORY, "hold-memory", __u64, hold_memory, 32ULL << 20)                                   \
	S(HOLD_FLOW, "hold-flow", __u64, hold_flow, 256ULL << 10)                                        \
	S(HOLD_PACKETS, "hold-packets", __u32, hold_packets, 200) /* of one flow */                      \
	S(HOLD_TIME, "hold-time", __u32, hold_time, 10) /* seconds */                                    \
	S(FLOW_MEMORY, "flow-memory", __u64, flow_memory, 4ULL << 20) /* bytes of the flow table */      \
	S(SENDER_THREADS, "sender-threads", __u64, threads, 0) /* a power of two; 0: as many as needed */

#define MIRROR_SETTING_MEMBER(ID, option, type, member, preset) type member;
struct mirror_settings {
	MIRROR_SETTINGS(MIRROR_SETTING_MEMBER)
};
_Static_assert(sizeof(struct mirror_settings) == 72, "no hidden padding");

#define MIRROR_SETTING(ID, ...) SET_##ID,
enum mirror_setting { MIRROR_SETTINGS(MIRROR_SETTING) SET_COUNT };
#undef MIRROR_SETTING
