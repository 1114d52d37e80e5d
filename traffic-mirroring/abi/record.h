/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One copy on its way from the data path to the sender: a record of the ring buffer. Host byte
 * order except where said. The packet's bytes follow the header.
 *
 * Of a GSO packet with a small snaplen only what its segments' copies need is there: data[] holds the packet's first
 * RECORD_HEAD_SIZE bytes, and behind them piece after piece, each stride bytes further: piece n = 1, 2 … are stride
 * bytes (the last one perhaps fewer) from payload + n * gso_size on. A segment whose headers are longer, because there are
 * more in that payload, has its own payload as much further into its piece. stride is 0 where no copy reaches beyond
 * payload.
 */
#ifndef MIRRORING_RECORD_H
#define MIRRORING_RECORD_H

#include <linux/types.h>

#define RECORD_HEAD_SIZE 256

enum mirror_record_flags {
	RECORD_EGRESS = 1, /* else ingress */
	RECORD_L3 = 2, /* data starts with the IP header: the interface has no Ethernet header */
};

struct mirror_record {
	__u64 time_ns; /* CLOCK_MONOTONIC when the packet passed */
	__u32 wire_len; /* bytes of the packet at the hook, Ethernet header included, metadata VLAN tag not */
	__u32 cap_len; /* bytes in data[] */
	__u32 snaplen; /* bytes that each copy may have, from its first byte; 0: whole */
	__u32 group; /* struct mirror_group.id (host.h) */
	__u32 hash; /* symmetric flow hash */
	__u32 ifindex; /* interface the packet passed */
	__u16 gso_size; /* bytes of L4 payload of each packet on the wire; 0: this is one packet */
	__u16 vlan_tci; /* tag in metadata; valid where vlan_proto is not 0 */
	__be16 vlan_proto; /* EtherType of that tag, network byte order; 0: no tag in metadata */
	__u8 filter; /* number, counted from 1 */
	__u8 flags; /* enum mirror_record_flags */
	__u16 stride; /* bytes from one piece to the next; 0: data[] is the packet from its first byte on */
	__u16 payload; /* where that of TCP or UDP starts in the packet; for pieces */
	__u16 pad[2];
	__u8 data[];
};
_Static_assert(sizeof(struct mirror_record) == 48, "no hidden padding");

#endif
