/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a host has once, whatever is mirrored on it: the rings, two per CPU, and what the updater, the data path and the
 * sender tell each other. Pinned under HOST_PINS by the updater, so that it outlives each of them. All maps but
 * the rings are ARRAYs with BPF_F_MMAPABLE, and all of these but state have BTF (updater/host_arrays.bpf.c). Host byte
 * order except where said.
 *
 *   ring_<cpu>   RINGBUF: struct mirror_record (record.h); small, so that its memory stays in the CPU's cache
 *   spill_<cpu>  RINGBUF: the same, for what finds no room in ring_<cpu>; most of the memory
 *   state        key 0: struct mirror_state
 *   groups       key = slot: struct mirror_group
 *   settings     key 0: struct mirror_settings
 *   sent         key = enum mirror_sent: u64
 *   sent_errors  key = errno: u64, copies that a socket refused with it
 *   collectors   key = slot * MIRROR_MAX_COLLECTORS + index: struct mirror_collector_counters
 *
 * A sender opens the sockets of all groups there are when it starts, and then gives every privilege up. For a group that
 * it has not opened (collectors: group is another id) it has to be replaced.
 *
 * Signals to the sender: SIGTERM ends it, and nobody reads the rings any more (present = 0); SIGUSR1 ends it for another
 * one to take over (present stays 1). Either way it first sends what the rings hold.
 *
 * A data path has the first three in its own maps of maps: mirroring_<direction>_rings, key = CPU and MIRROR_SPILL + CPU,
 * and mirroring_<direction>_state, key 0.
 */
#ifndef MIRRORING_HOST_H
#define MIRRORING_HOST_H

#include <linux/types.h>

#include "counters.h"
#include "formats.h"

#define HOST_PINS "/sys/fs/bpf/mirroring"
#define HOST_SENDER_LOCK \
	HOST_PINS "/sender" /* a directory that the sender holds locked (flock) while it lives */

#define MIRROR_MAX_CPUS 512
#define MIRROR_SPILL MIRROR_MAX_CPUS /* key of the first CPU's spill ring in the maps of rings */
#define MIRROR_MAX_GROUPS 256
#define MIRROR_MAX_COLLECTORS 16 /* of one group */
#define MIRROR_DEVICE_LEN 16 /* IFNAMSIZ */

/* Between data path and sender. A cache line that the data path only reads, then what is per group. */
struct mirror_state {
	__u32 present; /* a sender has been started, and did not end by itself: records have a reader */
	__u32 sleeping; /* the sender waits for a wake-up */
	__u32 shed; /* flows whose hash is below this are left out: 0 none, 0xffffffff nearly all */
	__u32 pad[13];
	__u8 stopped[MIRROR_MAX_GROUPS]; /* by slot, 1: no copies for now: the link to its collectors is down */
	__u32 group_shed[MIRROR_MAX_GROUPS]; /* by slot, as shed: for the rate of a filter */
};
_Static_assert(sizeof(struct mirror_state) == 64 + 5 * MIRROR_MAX_GROUPS, "no hidden padding");

struct mirror_collector {
	__u8 format; /* enum mirror_format */
	__u8 family; /* AF_INET or AF_INET6; 0: the format sends out of a device */
	__u16 port; /* UDP destination port; 0 where the format has none */
	__u8 addr[16]; /* network byte order, IPv4 in the first four bytes, rest 0 */
	__u32 id; /* VNI, session or VLAN ID (formats.h); 0 where the format has none */
	__u32 weight; /* 0: drained */
	char device[MIRROR_DEVICE_LEN]; /* where family is 0 */
};
_Static_assert(sizeof(struct mirror_collector) == 44, "no hidden padding");

enum mirror_oversize {
	OVERSIZE_TRUNCATE, /* sent as far as it fits; its own headers keep the lengths they had */
	OVERSIZE_DROP,
	OVERSIZE_FRAGMENT, /* sent whole, and the kernel fragments the outer packet */
};

/* A list of collectors and how to send to them. It does not change while anything refers to it. */
struct mirror_group {
	__u32 id; /* slot + MIRROR_MAX_GROUPS * n, n counts the slot's uses; 0: free */
	__u8 collectors; /* entries of collector[] in use */
	__u8 oversize; /* enum mirror_oversize */
	__u8 ttl; /* outer TTL or hop limit; 0: the system's default */
	__u8 dscp; /* outer DSCP, 0 to 63 */
	__u8 local_family; /* AF_INET, AF_INET6; 0: the system chooses the source address */
	__u8 metadata; /* 1: Geneve copies carry our options */
	__u16 local_port; /* UDP source port of all copies; 0: several, chosen by flow */
	__u8 local_addr[16]; /* network byte order */
	/* a group with a rate is that of one filter: ifindex * 128 + 64 for egress + index; without a rate 0 */
	__u32 owner;
	__u64 max_packets; /* copies per second, 0: no limit */
	__u64 max_bits; /* bits of copies per second, 0: no limit */
	struct mirror_collector collector[MIRROR_MAX_COLLECTORS];
};
_Static_assert(sizeof(struct mirror_group) == 48 + MIRROR_MAX_COLLECTORS * 44, "no hidden padding");
_Static_assert(sizeof(struct mirror_group) % 8 == 0, "an array of them in memory is the map's");

struct mirror_settings {
	__u64 ring_memory; /* bytes of all rings together */
	__u64 max_packets; /* copies per second, 0: no limit */
	__u64 max_bits; /* bits of copies per second, 0: no limit */
	__u32 failover; /* 1: collectors that cannot be reached are left out */
	__s32 nice; /* of the sender, -20 to 19 */
};
_Static_assert(sizeof(struct mirror_settings) == 32, "no hidden padding");

/* Map: sent. Key 0 carries nothing, as in the data path's counters. */
#define MIRROR_SENT_KEY(name, public, help) SENT_##name,
enum mirror_sent { SENT_NONE, MIRROR_SENT(MIRROR_SENT_KEY) SENT_COUNT };
_Static_assert(SENT_LAG_MS == 14, "keys are public: new counters go to the end");

struct mirror_collector_counters {
	__u64 copies;
	__u64 bytes; /* inner bytes */
	__u64 refused;
	__u32 group; /* id of the group these belong to, which the sender has opened */
	/* errno of the last ICMP answer that it cannot be reached, or why its sockets could not be opened; 0: neither */
	__u32 unreachable;
};
_Static_assert(sizeof(struct mirror_collector_counters) == 32, "no hidden padding");

#define MIRROR_ERRNOS 134 /* one more than the highest of Linux */

#endif
