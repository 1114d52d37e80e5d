/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * State that exists once per host: the rings, two per CPU, and the arrays through which the updater, the data
 * path and the sender communicate. Pinned under HOST_PINS by the updater, so that they outlive each of them.
 * All maps but the rings are ARRAYs with BPF_F_MMAPABLE, and all of these but state have BTF
 * (updater/host_arrays.bpf.c). Host byte order unless stated otherwise.
 *
 *   near_<cpu>   ARRAY, key 0: struct mirror_near (ring.h): primary ring, small, for the cache; may lack
 *   spill_<cpu>  RINGBUF: struct mirror_record (record.h): overflow ring for what near_<cpu> cannot take
 *                The rings of the sender's other threads have their ring_key() in place of the CPU.
 *   state        key 0: struct mirror_state
 *   groups       key = slot: struct mirror_group
 *   settings     key 0: struct mirror_settings (settings.h)
 *
 * and these, which each thread of the sender writes a part of: the key of thread 0 is given, that of another
 * is thread * MIRROR_SENT_KEYS, MIRROR_ERRNOS or MIRROR_COLLECTORS more. The host's counter is their sum.
 *
 *   sent         key = enum mirror_sent: u64
 *   sent_errors  key = errno: u64, copies that a socket refused with this error
 *   collectors   key = slot * MIRROR_MAX_COLLECTORS + index: struct mirror_collector_counters
 *
 * And, from the first rule on that uses `domain` or `first`, what flows.h describes: flows, names, accepts
 * and rulesets.
 *
 * At start a sender opens the sockets of all existing groups, then drops all privileges. To serve a group
 * that it has not opened (collectors: group has another id) it must be replaced.
 *
 * Signals to the sender: SIGTERM ends it and leaves the rings without a reader (present = 0); SIGUSR1 ends it
 * so that another sender can take over (present stays 1). In both cases it first sends the records in the
 * rings. From another PID namespace, the field ask of the state says the same.
 *
 * A data path reaches the first three through maps of maps: mirroring_<direction>_near and
 * mirroring_<direction>_rings (the overflow rings), key = ring_key(), and mirroring_<direction>_state, key 0.
 */
#pragma once

#include <linux/types.h>

#include "counters.h"
#include "flows.h"
#include "formats.h"
#include "settings.h"

/*
 * The version of all layouts: of the maps of a direction (maps.h), of the host's, and of the records. Any
 * change of one of them is a new number. A host that is being upgraded has data paths of two versions: each
 * has its own rings and its own sender, in a directory of its own. Layout 1 (1.0.0) is in
 * /sys/fs/bpf/mirroring. packaging/mirror-sender.service names the directory, too.
 */
#define MIRROR_LAYOUT 3
#define HOST_PINS_OF(layout) "/sys/fs/bpf/mirroring-" #layout
#define HOST_PINS_EXPANDED(layout) HOST_PINS_OF(layout)
#define HOST_PINS HOST_PINS_EXPANDED(MIRROR_LAYOUT)
#define HOST_SENDER_LOCK \
	HOST_PINS "/sender" /* the sender holds an flock(2) on this directory while it runs */

#define MIRROR_MAX_CPUS 512
#define MIRROR_MAX_THREADS 4 /* of the sender; a power of two */
#define MIRROR_RINGS (MIRROR_MAX_THREADS * MIRROR_MAX_CPUS)
#define MIRROR_MAX_GROUPS 256
#define MIRROR_MAX_COLLECTORS 16 /* of one group */
#define MIRROR_MAX_LEGS 4 /* groups that get the same copies */
#define MIRROR_DEVICE_LEN 16 /* IFNAMSIZ */

/* Shared by data path and sender. One cache line that the data path mostly reads, then per-group fields. */
struct mirror_state {
	__u32 present; /* 1: a sender was started and not stopped with SIGTERM: records have a reader */
	__u8 sleeping[MIRROR_MAX_THREADS]; /* by thread of the sender: it waits for a wake-up */
	__u32 shed; /* flows whose hash is below this are shed: 0 none, 0xffffffff nearly all */
	__u32 ask; /* SIGTERM or SIGUSR1, where no signal gets through; the sender resets it */
	__u64 network; /* the network namespace of the sender, as in struct mirror_about (maps.h) */
	__u64 flow_evictions; /* entries of the flow table that data paths gave up though they were in use */
	__u32 names_generation; /* raised after each change of the map names (flows.h) */
	__u32 thread_mask; /* threads of the sender less 1: a record is for thread hash & thread_mask */
	__u32 limited; /* 1: the sender has a rate to keep: all copies take the rings */
	__u32 reserved[5];
	/* by slot, 1: no copies: there is no path to the collectors of the group and those after it (next) */
	__u8 stopped[MIRROR_MAX_GROUPS];
	/* by slot, like shed: for the rate limit of a filter, and what each of its collectors sheds */
	__u32 group_shed[MIRROR_MAX_GROUPS];
	/*
	 * By thread, on a cache line of their own, as they change often: all records with an older time
	 * (CLOCK_MONOTONIC) have been sent.
	 */
	__u64 sent_until[MIRROR_MAX_THREADS];
	/* its last sign of life, one every 250 ms at least; 0: it has ended, or there is no such thread */
	__u64 alive_ns[MIRROR_MAX_THREADS];
};
_Static_assert(sizeof(struct mirror_state) == 64 + 5 * MIRROR_MAX_GROUPS + 64, "no hidden padding");

/* Of a CPU's two rings for a thread of the sender, in the maps of rings. */
static inline __attribute__((always_inline)) __u32 ring_key(__u32 thread, __u32 cpu)
{
	return thread * MIRROR_MAX_CPUS + cpu;
}

struct mirror_collector {
	__u8 format; /* enum mirror_format */
	__u8 family; /* AF_INET or AF_INET6; 0: copies are sent out of a device */
	__u16 port; /* UDP destination port; 0 if the format has none */
	__u8 addr[16]; /* network byte order, IPv4 in the first four bytes, rest 0 */
	__u32 id; /* VNI, session or VLAN ID (formats.h); 0 if the format has none */
	__u32 weight; /* 0: drained */
	char device[MIRROR_DEVICE_LEN]; /* if family is 0 */
};
_Static_assert(sizeof(struct mirror_collector) == 44, "no hidden padding");

enum mirror_oversize {
	OVERSIZE_TRUNCATE, /* the part that fits is sent; length fields in the copy keep their values */
	OVERSIZE_DROP,
	OVERSIZE_FRAGMENT, /* sent whole; the kernel fragments the outer packet */
};

/*
 * A leg: a list of collectors that share the flows, and how to send to them. A filter with several legs
 * refers to the first one, and each to the next. Immutable while referenced.
 */
struct mirror_group {
	__u32 id; /* slot + MIRROR_MAX_GROUPS * n, where n counts the uses of the slot; 0: free */
	__u8 collectors; /* entries of collector[] in use */
	__u8 oversize; /* enum mirror_oversize */
	__u8 ttl; /* outer TTL or hop limit; 0: the system's default */
	__u8 dscp; /* outer DSCP, 0 to 63 */
	__u8 local_family; /* AF_INET, AF_INET6; 0: the system chooses the source address */
	__u8 metadata; /* 1: Geneve copies carry our options */
	__u16 local_port; /* UDP source port of all copies; 0: several, chosen by flow */
	__u8 local_addr[16]; /* network byte order */
	/* a group with a rate limit belongs to one filter: ifindex * 128 + 64 for egress + index; else 0 */
	__u32 owner;
	__u64 max_packets; /* copies per second, 0: no limit */
	__u64 max_bits; /* bits of copies per second, 0: no limit */
	__u32 snaplen; /* the most bytes of a copy, less than those of the record; 0: as the record has it */
	__u32 next; /* id of the group that gets the same copies, too; 0: none */
	__u32 segment; /* 1: devices, too, get the segments of GSO packets, not these */
	__u32 pad;
	struct mirror_collector collector[MIRROR_MAX_COLLECTORS];
};
_Static_assert(sizeof(struct mirror_group) == 64 + MIRROR_MAX_COLLECTORS * 44, "no hidden padding");
_Static_assert(sizeof(struct mirror_group) % 8 == 0, "an array of them in memory is the map's");

#define MIRROR_SENT_KEYS 64 /* of one thread */
#define MIRROR_COLLECTORS (MIRROR_MAX_GROUPS * MIRROR_MAX_COLLECTORS)

/* Map: sent. Key 0 is unused, as in the data path's counters. */
#define MIRROR_SENT_KEY(name, public, help) SENT_##name,
enum mirror_sent { SENT_NONE, MIRROR_SENT(MIRROR_SENT_KEY) SENT_COUNT };
_Static_assert(SENT_COUNT <= MIRROR_SENT_KEYS, "threads write to cache lines of their own");
_Static_assert(SENT_LAG_MS == 14, "keys are public: new counters go to the end");

struct mirror_collector_counters {
	__u64 copies;
	__u64 bytes; /* inner bytes */
	__u64 refused;
	__u64 shed_copies; /* of the flows that are shed for it */
	__u32 group; /* id of the group that these belong to and that the sender has opened */
	/* errno of the last ICMP error, or of the failure to open its sockets; 0: neither */
	__u32 unreachable;
	__u32 shed; /* like that of the state, of its flows alone: the path to it is full */
	__u32 down; /* 1: there is no route to it, or its link is down */
};
_Static_assert(sizeof(struct mirror_collector_counters) == 48, "no hidden padding");

#define MIRROR_ERRNOS 134 /* one more than the highest errno of Linux */

/*
 * The arrays, A(name, type of a value, entries): ARRAY, BPF_F_MMAPABLE. The second list has BTF. The first
 * has none: a map of maps takes a map with BTF on kernels before 6.2 only if the inner map's definition had
 * some, which is the loader's choice.
 */
#define MIRROR_HOST_STATE(A) A(state, struct mirror_state, 1)
#define MIRROR_HOST_ARRAYS(A)                                       \
	A(groups, struct mirror_group, MIRROR_MAX_GROUPS)           \
	A(settings, struct mirror_settings, 1)                      \
	A(sent, __u64, (MIRROR_MAX_THREADS * MIRROR_SENT_KEYS))     \
	A(sent_errors, __u64, (MIRROR_MAX_THREADS * MIRROR_ERRNOS)) \
	A(collectors, struct mirror_collector_counters, (MIRROR_MAX_THREADS * MIRROR_COLLECTORS))
/*
 * Those of the flows, absent until a rule needs them. flows has as many entries as --flow-memory holds; it
 * and accepts have no BTF, like state.
 */
#define MIRROR_FLOWS_FLAGS (BPF_F_MMAPABLE | BPF_F_INNER_MAP)
#define MIRROR_HOST_ACCEPTS(A) A(accepts, struct mirror_words, (MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES))
#define MIRROR_HOST_NAMES(A)                             \
	A(names, struct mirror_name, MIRROR_MAX_CLASSES) \
	A(rulesets, struct mirror_ruleset, MIRROR_MAX_RULESETS)
