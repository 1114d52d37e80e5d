/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One copy between the data path and the sender: a record of the ring buffer. Host byte
 * order unless stated otherwise. The packet's bytes follow the header.
 *
 * Of a GSO packet with a small snaplen, only the bytes that its segments' copies need are stored: data[]
 * holds the packet's first RECORD_HEAD_SIZE bytes, then the pieces, stride bytes apart. Piece n = 1, 2 …
 * holds stride bytes (the last one may be shorter) from payload + n * gso_size on. If more headers at the
 * start of that payload make a segment's headers longer, its own payload starts as much later in its piece.
 * stride is 0 if no copy reaches beyond payload.
 */
#pragma once

#include <linux/types.h>

#define RECORD_HEAD_SIZE 256
#define RECORD_MAX_DATA (512 << 10) /* the most bytes of data[] */
/* Every overflow ring holds this much: 64 KiB, and headers. Larger packets may be truncated to it. */
#define RECORD_SURE_DATA (65536 + 256)

enum mirror_record_flags {
	RECORD_EGRESS = 1, /* else ingress */
	RECORD_L3 = 2, /* data starts with the IP header: the interface has no Ethernet header */
	RECORD_UNDECIDED = 4, /* which filter decides depends on the name of its flow: the last four fields */
	RECORD_BANK = 8, /* the bank that it was matched with */
	RECORD_HEADERS = 16, /* each copy holds its headers up to layer 4, and a number of bytes more */
	/*
	 * With RECORD_HEADERS: snaplen is RECORD_HEAD_SIZE more than that number, as the sender must find out
	 * how long the headers are
	 */
	RECORD_FIND_HEADERS = 32,
	RECORD_ZERO = 64, /* after snaplen bytes each copy has zeros, up to its length on the wire */
};

struct mirror_record {
	__u64 time_ns; /* CLOCK_MONOTONIC when the packet passed */
	__u32 wire_len; /* bytes of the packet at the hook, Ethernet header included, metadata VLAN tag not */
	__u32 cap_len; /* bytes in data[] */
	__u32 snaplen; /* the most bytes of each copy, from its first byte; 0: whole */
	__u32 group; /* struct mirror_group.id (host.h) */
	__u32 hash; /* symmetric flow hash */
	__u32 ifindex; /* interface the packet passed */
	__u16 gso_size; /* bytes of layer-4 payload per segment; 0: not a GSO packet */
	__u16 vlan_tci; /* tag in metadata; valid if vlan_proto is not 0 */
	__be16 vlan_proto; /* EtherType of that tag, network byte order; 0: no tag in metadata */
	__u8 filter; /* number, counted from 1 */
	__u8 flags; /* enum mirror_record_flags */
	__u16 stride; /* bytes from one piece to the next; 0: data[] is not in pieces */
	__u16 payload; /* offset of the TCP or UDP payload in the packet; for pieces */
	__u16 segments; /* only the first ones of a GSO packet are to be sent; 0: all */
	/* these are valid with RECORD_UNDECIDED only: */
	__u16 ruleset; /* key of the map rulesets (flows.h) */
	__u64 candidates; /* bit i: filter i accepts the packet, if it accepts the name; the lowest decides */
	__u32 tag; /* upper half of the flow's hash */
	__u16 generation; /* low 16 bits of the commit that it was matched with */
	__u16 seen; /* of the flow, now (flows.h) */
	__u8 data[];
};
_Static_assert(sizeof(struct mirror_record) == 64, "no hidden padding");
