/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What probe.bpf.c and the tests share: each struct is key 0 of the map of its name. */
#pragma once

#include <linux/types.h>

#define PROBE_BYTES 512

/* What the probe does to a packet before the data path sees it, and what it answers after. */
struct probe_setup {
	__u32 tagged; /* put a VLAN tag into the metadata */
	__u32 tci;
	__s32 verdict; /* of the last program of the chain */
};

/* What a program may write of struct __sk_buff, and what else could change of it. No hidden padding. */
struct probe_packet {
	__u64 tstamp;
	__u32 times;
	__u32 ifindex;
	__u32 len, linear; /* bytes in all, and in the linear area */
	__u32 mark, priority, tc_index, tc_classid, queue_mapping;
	__u32 tagged, tci, vlan_proto;
	__u32 gso_size, gso_segs;
	__u32 hash;
	__u32 cb[5];
	__u8 bytes[PROBE_BYTES]; /* the first ones */
};
