/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The interface between data path (select/) and user space (updater/): the layout of
 * the pinned maps. docs/map-abi.md describes the same for operators who use bpftool.
 *
 * Every map is named mirroring_<direction>_<name>; the two directions share no
 * map, because l3afd unpins a program's maps when that program stops.
 * All fields are in host byte order unless their comment says otherwise.
 *
 * A bank is one complete configuration: filters, tables, devices. There are two.
 * The data path reads the bank that struct mirror_config names, once per packet;
 * the updater fills the other (standby) bank and then switches that word atomically.
 */
#pragma once

#include <linux/types.h>

#include "counters.h"
#include "dimensions.h"
#include "flows.h"
#include "host.h"
#include "options.h"
#include "settings.h"

#define MIRROR_BANKS 2
#define MIRROR_MAX_FILTERS 64 /* one bit each in a __u64 */
#define MIRROR_MAX_DEVICES 8 /* devices one filter may spread its flows over */
#define MIRROR_MAX_PREFIXES 65536 /* per address table and bank */
#define MIRROR_SPARE_PREFIXES 1 /* kernels before 6.13 update no entry of a full LPM_TRIE */
#define MIRROR_MAX_OUTERS 256 /* tunnel endpoints that are recognised as our own */
#define MIRROR_MAX_FRAGMENTED 4096 /* datagrams whose fragments are followed at a time */
#define MIRROR_NAME_LEN 16 /* IFNAMSIZ */
#define MIRROR_RULE_NAME_LEN 32
#define MIRROR_COUNTERS (MIRROR_BANKS * MIRROR_MAX_FILTERS) /* of filters */

/*
 * skb->mark of a copy that is sent out of a device. If a copy meets one of our programs again (the uplink is
 * a mirrored interface, too, or a tunnel device, which keeps the mark within a namespace), the program
 * recognises the mark and does not copy it a second time. Reads "MIRR".
 */
#define MIRROR_MARK 0x4d495252

/*
 * ci/generate copies the comments of fields into docs/map-abi.md: run it after a change.
 *
 * The word that selects the active configuration. One aligned 64-bit store changes all of it. Map: config,
 * key 0.
 */
struct mirror_config {
	__u8 bank; /* the active bank, 0 or 1 */
	__u8 off; /* 1: disabled by the operator: no packet is examined; commits do not change this */
	__u8 can_rollback; /* 1: the other bank holds the previous configuration */
	__u8 l3; /* 1: the interface has no Ethernet header (tun, wireguard, ppp) */
	__u32 generation; /* commits so far */
};
_Static_assert(sizeof(struct mirror_config) == 8, "one aligned word");

/*
 * One entry of a table (dimensions.h): bit i of bank[b]: filter i of bank b accepts this value. An entry
 * of an LPM_TRIE holds the union of all prefixes that cover it.
 */
struct mirror_words {
	__u64 bank[MIRROR_BANKS];
};
_Static_assert(sizeof(struct mirror_words) == 16, "two words");

/* Keys of the LPM tables. prefix_len: bits. addr: network byte order. */
struct mirror_key4 {
	__u32 prefix_len;
	__u8 addr[4];
};
struct mirror_key6 {
	__u32 prefix_len;
	__u8 addr[16];
};
_Static_assert(sizeof(struct mirror_key4) == 8, "LPM key");
_Static_assert(sizeof(struct mirror_key6) == 20, "LPM key");

/*
 * The tables of ports are large, and most packets ask for ports that no filter lists. So blocks of ports with
 * the same words share the entries of one of them.
 */
#define MIRROR_PORT_TABLES 3 /* dst_port, src_port, port */
#define MIRROR_PORT_BLOCK 256 /* ports */
#define MIRROR_PORT_BLOCKS (65536 / MIRROR_PORT_BLOCK)
#define NO_PORTS 1 /* no filter accepts a port of the block: not the first port of any */

/* Properties of a bank as a whole. Map: banks, key = bank. */
struct mirror_bank {
	__u64 filters; /* bit i: filter i exists */
	__u64 until_ns; /* CLOCK_MONOTONIC, when mirroring ends by itself; 0: never */
	__u64 tests[DIM_COUNT]; /* by enum mirror_dimension; bit i: filter i tests it */
	/* bit i: filter i is decided by the IP header alone: no constraint on a layer-4 field,
	 * no use of the flow hash (which includes the ports) */
	__u64 without_l4;
	__u64 wants; /* bit i: filter i copies or counts: it is worth to wait for the name of a flow */
	__u8 outers; /* entries of the map outers that belong to this bank */
	__u8 ruleset; /* key of the host's map rulesets; of filters with `domain` */
	__u16 outer_port; /* the port common to all of them with a port; 0: ports differ, or none has one */
	__u32 flow_sets; /* of the host's flow table, a power of two; 0: there is none */
	/* of dst_port, src_port, port, by port / 256: the first port of a block of which the table has the
	 * same words; 1: no filter accepts a port of the block */
	__u16 block[MIRROR_PORT_TABLES][MIRROR_PORT_BLOCKS];
};
_Static_assert(sizeof(struct mirror_bank) == 40 + 8 * DIM_COUNT + 2 * MIRROR_PORT_TABLES * MIRROR_PORT_BLOCKS,
	       "no hidden padding");
_Static_assert(MIRROR_MAX_OUTERS / MIRROR_BANKS <= 255 && MIRROR_MAX_RULESETS <= 256, "numbers of a byte");

enum mirror_action {
	ACTION_SKIP,
	ACTION_MIRROR,
	ACTION_COUNT, /* counts what mirror would copy */
};

/* What of a packet a copy holds, beside snaplen. */
enum mirror_trim {
	TRIM_SNAPLEN, /* its first snaplen bytes */
	TRIM_HEADERS = 1, /* the headers up to layer 4, and snaplen bytes of what follows */
	TRIM_ZERO = 2, /* beside TRIM_HEADERS: zeros after that, up to the packet's length */
};

/* The delivery of a copy. */
enum mirror_exit {
	/* delivery programs: keys of the exits PROG_ARRAY */
	EXIT_DEVICE, /* bpf_clone_redirect() */
	EXIT_RING, /* into this CPU's ring buffer */
	EXIT_ORDER, /* one of the two, by size, in the flow's order; never in a row of filters */
	EXIT_NONE, /* no destination: in configurations of older versions; counted as OUT_NO_EXIT */
};
#define MIRROR_EXIT_PROGRAMS 3 /* several: exits must not look like a chain map, which has one entry */

struct mirror_device {
	__u32 ifindex; /* of the device */
	__u32 l3; /* 1: the device has no link-layer header (ipip, sit, gre, tun) */
	char name[MIRROR_NAME_LEN]; /* of the device, padded with zeros */
};
_Static_assert(sizeof(struct mirror_device) == 24, "no hidden padding");

/* What the rule itself sets; the rest follows the options. */
enum mirror_own {
	OWN_DESTINATION = 1,
	OWN_SNAPLEN = 2,
	OWN_OVERSIZE = 4,
	OWN_METADATA = 8,
	OWN_SEGMENT = 16,
	OWN_FIRST = 32,
};

/* Map: filters, key = bank * MIRROR_MAX_FILTERS + i. */
struct mirror_filter {
	__u8 action; /* 0: skip, 1: mirror, 2: count */
	__u8 exit; /* 0: to a device, 1: into the ring, 2: no delivery yet */
	__u8 devices; /* entries of device in use */
	/* sum of what the rule sets; else the options apply. 1: where copies go, 2: snaplen, 4: oversize,
	 * 8: metadata, 16: segment, 32: first */
	__u8 own;
	__u32 snaplen; /* the most bytes of a copy, from its first byte; 0: all */
	__u32 sample; /* copy one flow in this many; 0 and 1: all */
	__u32 group; /* exit 1: id of the first leg's collector group, struct mirror_group.id (host.h) */
	__u32 counter; /* key of filter_packets and filter_bytes; 0: none */
	/* the bytes of each flow and direction that are copied, or 0x80000000 and the packets; 0: all */
	__u32 first;
	/* 0: the first snaplen bytes; 1: the headers and snaplen bytes more; 3: likewise, then zeros */
	__u32 trim;
	struct mirror_device device[MIRROR_MAX_DEVICES]; /* exit 0: each flow goes to one of these */
	char name[MIRROR_RULE_NAME_LEN]; /* of the rule, padded with zeros; empty: none */
	/* exit 1: larger packets may be cloned into device[0], which is that of the group; 0: none */
	__u32 clone_above;
	__u64 since_ns; /* CLOCK_MONOTONIC of the commit that made the rule */
	/* what pending held for its counter then, of an earlier rule: not to be counted */
	__u64 base_packets;
	__u64 base_bytes;
};
_Static_assert(sizeof(struct mirror_filter) == 280, "no hidden padding");

/*
 * A tunnel endpoint that our own copies are sent to. Packets to it, packets from it in such a tunnel (it
 * mirrors to us) and ICMP errors about either are never copied.
 * Map: outers, value struct mirror_words (bank[b] != 0: part of bank b).
 */
struct mirror_outer {
	__u8 addr[16]; /* network byte order; IPv4 in the first four bytes, rest 0 */
	__u8 family; /* 4 or 6 */
	__u8 proto; /* IP protocol: UDP for VXLAN, Geneve, GUE, else the tunnel's own */
	__u16 port; /* UDP destination port; 0: the protocol has no ports */
};
_Static_assert(sizeof(struct mirror_outer) == 20, "no hidden padding");

/* A fragmented datagram. addresses: network byte order, IPv4 in the first four bytes, rest 0. */
struct mirror_datagram {
	__u8 src[16];
	__u8 dst[16];
	__u32 id; /* as on the wire */
	__u8 family; /* 4 or 6 */
	__u8 proto; /* IPv4: of the datagram; IPv6: 0 (RFC 8200 4.5 omits it) */
	__u16 vlan; /* outermost VLAN ID, 0 if none */
};
_Static_assert(sizeof(struct mirror_datagram) == 40, "no hidden padding");

/*
 * Map: counters, key = outcome, a plain array of u64 as l3afd's monitor_maps reads it. OUT_NONE: none yet.
 */
#define MIRROR_OUTCOME(name, public, help, kind) OUT_##name,
enum mirror_outcome { OUT_NONE, MIRROR_OUTCOMES(MIRROR_OUTCOME) OUT_COUNT };
_Static_assert(OUT_NO_EXIT == 17, "keys are public: new outcomes go to the end");

/*
 * Counters accumulate per CPU and are added to the shared arrays every MIRROR_FLUSH events,
 * so that CPUs do not contend; readers that need exact values add the pending ones.
 * Maps: counters[OUT_COUNT]; filter_packets, filter_bytes [1 + MIRROR_COUNTERS], where
 * key = mirror_filter.counter; the pending ones in cpus.
 *
 * A counter belongs to a rule: one that stays over a commit, by its name or else its text, keeps it. A new
 * one gets a counter that the active bank does not use.
 */
#define MIRROR_FLUSH 64

struct mirror_pending {
	__u64 outcome[OUT_COUNT];
	/* packets of counter i + 1 since the last flush; their bytes are flushed together with them */
	__u64 packets[MIRROR_COUNTERS];
	__u64 bytes[MIRROR_COUNTERS]; /* wire bytes, from the Ethernet header on */
};

/* Beyond those of a record, which has a byte for them. */
enum mirror_decision_flags {
	DECISION_QUOTES = 0x100, /* an ICMP error: not to be copied if it is about a copy of ours */
	DECISION_BANK = 0x200, /* decided by bank 1 */
};

/*
 * The decision about a packet: passed from the select program to a delivery program, and kept for
 * the later fragments of a datagram. Maps: cpus, fragments (LRU_HASH).
 */
struct mirror_decision {
	__u64 time_ns; /* bpf_ktime_get_ns() of the first fragment */
	__u32 outcome; /* enum mirror_outcome; OUT_NONE: to be copied */
	__u8 filter; /* number, counted from 1; 0: undecided */
	__u8 counter; /* of that filter; 0: none is counted */
	__u16 row; /* its key of the map filters */
	__u32 exit; /* enum mirror_exit */
	__u32 ifindex; /* EXIT_DEVICE */
	__u32 l3; /* struct mirror_device.l3 */
	__u32 snaplen;
	__u32 group;
	__u32 hash; /* symmetric flow hash */
	__u32 flags; /* enum mirror_record_flags (record.h) and enum mirror_decision_flags */
	__u32 payload; /* offset in the packet of the TCP, UDP or ICMP payload, else 0 */
	__u64 candidates; /* this and the next as in struct mirror_record */
	__u32 tag;
	__u16 generation;
	__u16 seen;
	__u16 ruleset;
	__u16 segments;
	__u32 len; /* bytes of the packet that the first segments need; 0: all */
	__u32 clone_above; /* EXIT_RING: as in struct mirror_filter; ifindex and l3 are of the device */
	__u32 flow_sets; /* as in struct mirror_bank, if clone_above is not 0 */
};
_Static_assert(sizeof(struct mirror_decision) == 80, "no hidden padding");

/* What the headers of a packet say. */
struct mirror_packet {
	__u32 src[4], dst[4]; /* network byte order; IPv4 in [0], and the rest is not set */
	__u32 payload; /* offset of the TCP, UDP or ICMP payload, else 0 */
	__u32 end; /* of the IP packet, by its own length; valid if payload is */
	__u32 fragment_id; /* as on the wire; of a fragment */
	__u16 proto; /* IP protocol, or UNKNOWN */
	__u16 vlan; /* outermost ID, NO_VLAN: none */
	union {
		struct { /* host byte order */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			__u16 dst_port, src_port;
#else
			__u16 src_port, dst_port;
#endif
		};
		__u32 both_ports; /* as on the wire, but in host byte order */
	};
	__u16 tcp_flags; /* if proto is TCP, or UNKNOWN */
	__u16 icmp_type; /* if proto is ICMP or ICMPv6, or UNKNOWN */
	__u8 family; /* 4, 6; 0: not IP */
	__u8 fragment; /* enum fragment (ip.h) */
	__u8 ports; /* src_port and dst_port are valid */
	__u8 malformed; /* a header is too short or contradictory: the rest was not read */
	__u16 off; /* of the header that the parser has come to, */
	__u16 next; /* and its protocol */
};
_Static_assert(sizeof(struct mirror_packet) == 64, "no hidden padding");

/*
 * What a CPU needs for each packet, in one place, so that one look-up finds it. The verifier knows nothing of
 * values in a map: it follows what comes after the parser once, not once for each result.
 * Map: cpus (PERCPU_ARRAY, key 0).
 */
struct mirror_cpu {
	struct mirror_packet packet;
	struct mirror_decision decision;
	struct mirror_pending pending;
};

/* A first fragment's decision is valid for as long as Linux reassembles (net.ipv4.ipfrag_time). */
#define MIRROR_FRAGMENT_NS (30ULL * 1000 * 1000 * 1000)

/*
 * The options in force, for operators and for the next update; the data path does not read them.
 * Values from update take precedence over values from start, whichever ran first.
 * Map: options, key = bank. Strings end in NUL; empty: not given.
 */
enum mirror_origin { ORIGIN_NONE, ORIGIN_START, ORIGIN_UPDATE };

#define MIRROR_OPTION(ID, ...) OPT_##ID,
enum mirror_option {
	OPT_FILTERS, /* no text: filters are in the tables */
	MIRROR_OPTIONS(MIRROR_OPTION) OPT_COUNT,
};
#undef MIRROR_OPTION

#define MIRROR_OPTION_LEN 1024 /* a list of MIRROR_MAX_COLLECTORS addresses fits */

struct mirror_options {
	__u8 origin[OPT_COUNT]; /* by enum mirror_option; 0: not given, 1: by start, 2: by update */
	__u8 started; /* 1: start has run */
	char text[OPT_COUNT][MIRROR_OPTION_LEN]; /* in the same order; filters have none; padded with zeros */
	__u8 setting_origin[SET_COUNT]; /* by enum mirror_setting, likewise: who gave it to the host */
} __attribute__((aligned(8)));

/*
 * What the maps of a direction are. Their layout (host.h) is the number of entries of this map, so that any
 * version can read it as soon as they exist; layout 1 had no such map. Map: about, key 0.
 */
struct mirror_about {
	__u64 network; /* the network namespace of the last commit; 0: there was none */
};
_Static_assert(sizeof(struct mirror_about) == 8, "one word");

/*
 * The maps of a direction beside the tables of dimensions, M(ID, name, type, key, value, entries, flags): the
 * data path declares them and the updater checks what it opens by the same rows. User space maps the first
 * ones into memory, opens the second ones, and leaves the third ones to the data path.
 */
#define MIRROR_MAPPED_MAPS(M)                                                                        \
	M(ABOUT, about, ARRAY, __u32, struct mirror_about, MIRROR_LAYOUT, BPF_F_MMAPABLE)            \
	M(CONFIG, config, ARRAY, __u32, struct mirror_config, 1, BPF_F_MMAPABLE)                     \
	M(BANKS, banks, ARRAY, __u32, struct mirror_bank, MIRROR_BANKS, BPF_F_MMAPABLE)              \
	M(FILTERS, filters, ARRAY, __u32, struct mirror_filter, (MIRROR_BANKS * MIRROR_MAX_FILTERS), \
	  BPF_F_MMAPABLE)                                                                            \
	M(OPTIONS, options, ARRAY, __u32, struct mirror_options, MIRROR_BANKS, BPF_F_MMAPABLE)
#define MIRROR_OTHER_MAPS(M)                                                                    \
	M(OUTERS, outers, HASH, struct mirror_outer, struct mirror_words, MIRROR_MAX_OUTERS, 0) \
	M(COUNTERS, counters, ARRAY, __u32, __u64, OUT_COUNT, 0)                                \
	M(FILTER_PACKETS, filter_packets, ARRAY, __u32, __u64, (1 + MIRROR_COUNTERS), 0)        \
	M(FILTER_BYTES, filter_bytes, ARRAY, __u32, __u64, (1 + MIRROR_COUNTERS), 0)            \
	M(CPUS, cpus, PERCPU_ARRAY, __u32, struct mirror_cpu, 1, 0)
#define MIRROR_PRIVATE_MAPS(M)                                                            \
	M(FRAGMENTS, fragments, LRU_HASH, struct mirror_datagram, struct mirror_decision, \
	  MIRROR_MAX_FRAGMENTED, 0)
/* The host's rings, state (host.h) and flow table (flows.h), inserted by the updater. */
#define MIRROR_HOST_LINKS(M)                                          \
	M(NEAR, near, ARRAY_OF_MAPS, __u32, __u32, MIRROR_RINGS, 0)   \
	M(RINGS, rings, ARRAY_OF_MAPS, __u32, __u32, MIRROR_RINGS, 0) \
	M(STATE, state, ARRAY_OF_MAPS, __u32, __u32, 1, 0)            \
	M(FLOWS, flows, ARRAY_OF_MAPS, __u32, __u32, 1, 0)            \
	M(ACCEPTS, accepts, ARRAY_OF_MAPS, __u32, __u32, 1, 0)

/* Maps that are mapped into memory are arrays there, too. */
#define MIRROR_STRIDE(ID, name, kind, key, value, ...) \
	_Static_assert(sizeof(value) % 8 == 0, "entries of " #name " are multiples of 8 bytes");
MIRROR_MAPPED_MAPS(MIRROR_STRIDE)
#undef MIRROR_STRIDE

/* The tables of dimensions in the same form: rows of dimensions.h. */
#define MIRROR_NUMBER_MAP(M, ID, name, values) \
	M(ID, name, ARRAY, __u32, struct mirror_words, values, BPF_F_MMAPABLE)
#define MIRROR_ADDRESS_MAP(M, ID, name, version)                               \
	M(ID, name, LPM_TRIE, struct mirror_key##version, struct mirror_words, \
	  (MIRROR_BANKS * MIRROR_MAX_PREFIXES + MIRROR_SPARE_PREFIXES), BPF_F_NO_PREALLOC)
