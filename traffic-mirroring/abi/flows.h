/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a host knows of flows: the flow table, the names that its rules use, and, per rule set, which filters
 * accept a name. Data path and sender read and write the table with plain loads and stores; the updater
 * writes the rest. Host byte order. docs/filters.md has the meaning of `domain` and `first`.
 *
 *   flows     key = set: struct mirror_flow_set; as many sets as --flow-memory holds, a power of two
 *   names     key = class: struct mirror_name
 *   accepts   key = rule set * MIRROR_MAX_CLASSES + class: struct mirror_words (maps.h): the filters whose
 *             `domain` accepts flows of this class. As an LPM entry, the words of a class hold the union of
 *             all names that cover it
 *   rulesets  key = rule set: struct mirror_ruleset
 */
#pragma once

#include <linux/types.h>
#include <stdbool.h>

/*
 * A class is a name that some rule of the host uses, exact or a suffix: the most specific one that accepts
 * the flow's own name.
 */
enum mirror_class {
	CLASS_UNDECIDED, /* not known yet: also that of a flow without an entry */
	CLASS_NONE, /* it has no name, or none that can be read, or none that a rule uses */
	CLASS_MIDDLE, /* first seen in its middle: an HTTP/1 request may still tell its name */
	CLASS_FIRST, /* this and all above: names */
};
#define MIRROR_MAX_CLASSES 8192 /* names of all rules of a host together */
#define MIRROR_MAX_NAMES 4096 /* of one rule set */
#define MIRROR_MAX_RULESETS 32 /* interface directions of a host whose rules use `domain` */

/*
 * One entry. A flow has one for its class, by its symmetric hash, and one per program that counts its first
 * bytes, by flow_count_hash().
 */
struct mirror_flow {
	union {
		struct {
			__u32 tag; /* flow_tag() of its hash; 0: free */
			__u16 class; /* enum mirror_class; of the first kind */
			__u16 seen; /* when it was last used, in units of 256 jiffies */
		};
		__u64 head; /* all three: one load, as another flow may take the entry at any time */
	};
	/* by direction, of the second kind: bytes of layer-4 payload, or FLOW_PACKETS and packets */
	__u32 count[2];
};
#define FLOW_PACKETS 0x80000000u
#define MIRROR_FLOW_WAYS 4
#define FLOW_IN_USE 256 /* units of time since the last use */

/* A cache line. */
struct mirror_flow_set {
	struct mirror_flow flow[MIRROR_FLOW_WAYS];
};
_Static_assert(sizeof(struct mirror_flow_set) == 64, "a cache line");

struct mirror_name {
	__u8 len; /* of text; 0: free */
	__u8 suffix; /* 1: "*." precedes text: accepts the names that end in "." and text */
	char text[254]; /* lower case, A-labels, without a trailing dot */
};
_Static_assert(sizeof(struct mirror_name) == 256, "no hidden padding");

/* What becomes of a flow's packets that one filter accepts: the sender applies it to those that it held. */
struct mirror_verdict {
	__u8 action; /* enum mirror_action */
	__u8 trim; /* as in struct mirror_filter, like all below */
	__u16 pad;
	__u32 snaplen;
	__u32 group;
	__u32 sample;
	__u32 first;
};
_Static_assert(sizeof(struct mirror_verdict) == 20, "no hidden padding");

/* The filters of an interface and direction whose rules use `domain`. By bank, as in maps.h. */
struct mirror_ruleset {
	/* who used it last, for bpftool: network namespace, as in struct mirror_about; 0: nobody yet */
	__u64 network;
	__u32 ifindex;
	__u32 egress; /* 0 or 1 */
	/*
	 * Low 16 bits: of the commit that filled the bank; RULESET_WRITTEN while it is being filled. The bits
	 * above count the uses of this slot, also by other interfaces: the sender keeps copies of the banks.
	 */
	__u32 generation[2];
	/* bit i: filter i accepts flows of any class, as struct mirror_bank.any[DIM_DOMAIN] */
	__u64 nodomain[2];
	struct mirror_verdict verdict[2][64];
};
#define RULESET_WRITTEN 0x10000u
#define RULESET_USE 0x20000u /* one more */
_Static_assert(sizeof(struct mirror_ruleset) == 40 + 2 * 64 * sizeof(struct mirror_verdict),
	       "no hidden padding");

/* ---- the flow table, for BPF and C ---- */

/* hash: the flow's (flow_hash.h), or flow_count_hash() of it. */
static inline __attribute__((always_inline)) __u32 flow_tag(__u64 hash)
{
	__u32 tag = hash >> 32;

	return tag ? tag : 1;
}

/* sets: a power of two. */
static inline __attribute__((always_inline)) __u32 flow_set(__u64 hash, __u32 sets)
{
	return (__u32)hash & (sets - 1);
}

/* A program that counts: interface and direction. */
static inline __attribute__((always_inline)) __u64 flow_count_hash(__u64 hash, __u32 ifindex, __u32 egress)
{
	return hash ^ (((__u64)ifindex << 1 | egress) + 1) * 0x9e3779b97f4a7c15ULL;
}

/* Its way in the set; MIRROR_FLOW_WAYS: it has none. */
static inline __attribute__((always_inline)) __u32 flow_way(const struct mirror_flow_set *set, __u32 tag)
{
	for (__u32 way = 0; way < MIRROR_FLOW_WAYS; way++)
		if (set->flow[way].tag == tag)
			return way;
	return MIRROR_FLOW_WAYS;
}

/* The way for a new flow: a free one, else the least recently used one, at best one without a name. */
static inline __attribute__((always_inline)) __u32 flow_victim(const struct mirror_flow_set *set, __u16 now)
{
	__u32 victim = 0, oldest = 0, age;

	for (__u32 way = 0; way < MIRROR_FLOW_WAYS; way++) {
		const struct mirror_flow *flow = &set->flow[way];

		if (!flow->tag)
			return way;
		age = (__u16)(now - flow->seen) * 2 + (flow->class < CLASS_FIRST);
		if (age > oldest) {
			oldest = age;
			victim = way;
		}
	}
	return victim;
}

/* Whether it is an eviction to give the entry to another flow. */
static inline __attribute__((always_inline)) bool flow_in_use(const struct mirror_flow *flow, __u16 now)
{
	return flow->tag && (__u16)(now - flow->seen) < FLOW_IN_USE;
}

static inline __attribute__((always_inline)) void flow_give(struct mirror_flow *flow, __u32 tag,
							    enum mirror_class class, __u16 now)
{
	struct mirror_flow new = { .tag = tag, .class = class, .seen = now };

	flow->count[0] = flow->count[1] = 0;
	*(volatile __u64 *)&flow->head = new.head;
}

/* TCP packets with FIN, SYN or RST are copied beyond `first`, too, and not counted; SYN restarts it. */
#define FLOW_ALWAYS 0x07

/*
 * Counts a packet of size bytes, or of as many packets, in a direction. Returns how much of `first` was left
 * before it; 0: it is beyond.
 */
static inline __attribute__((always_inline)) __u32 flow_count(struct mirror_flow *flow, bool direction,
							      __u32 first, __u32 size)
{
	__u32 *count = &flow->count[direction], before = *count;

	if ((before ^ first) & FLOW_PACKETS) /* of another rule */
		*count = before = first & FLOW_PACKETS;
	if (before >= first)
		return 0;
	__atomic_fetch_add(count, size, __ATOMIC_RELAXED);
	return first - before;
}

/* How many segments of a GSO packet begin within what is left; 0: all. size as in flow_count(). */
static inline __attribute__((always_inline)) __u16 flow_segments(__u32 first, __u32 left, __u32 size,
								 __u32 gso_size)
{
	if (!gso_size || left >= size)
		return 0;
	return first & FLOW_PACKETS ? left : (left - 1) / gso_size + 1;
}
