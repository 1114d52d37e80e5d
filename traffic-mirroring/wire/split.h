/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A captured packet becomes the packets that the wire carried: a GSO or GRO packet is split into its
 * segments, a VLAN tag in metadata is put back into the frame, checksums that were left to the NIC are
 * completed, and each packet is trimmed to the snaplen. Every packet goes this way, also one that
 * needs none of it. Nothing is allocated, and payload is not copied.
 */
#ifndef MIRRORING_SPLIT_H
#define MIRRORING_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "checksum.h"
#include "headers.h"

struct split_input {
	struct capture packet; /* wire_len without the tag in metadata, as in struct mirror_record */
	/* for stride != 0, where packet.at does not hold all: the other pieces of the capture, see ../abi/record.h */
	const uint8_t *pieces;
	uint32_t pieces_len, stride, pieces_from;
	uint32_t gso_size; /* bytes of layer-4 payload per segment; 0: this is one packet */
	uint32_t snaplen; /* bytes that each packet may have from its first byte, a tag put back included; 0: all */
	uint16_t vlan_tci; /* tag in metadata, host byte order */
	uint16_t vlan_proto; /* its EtherType, host byte order; 0: none */
	bool l3; /* no Ethernet header; a tag in metadata is then left out */
	/*
	 * The packet came in, so that GRO may have built it. Linux counts the IP ID of segments up; but where GRO
	 * merged datagrams that all had DF and ID 0, what their sender wrote was 0 each time.
	 */
	bool received;
};

enum split_flags {
	SPLIT_SEGMENT = 1, /* one of several that a GSO packet was split into */
	/*
	 * A GSO packet that we cannot split: headers not captured, or neither TCP nor UDP, or a tunnel that
	 * headers_inner() cannot take apart. It is given out in one piece, lengths as captured.
	 */
	SPLIT_UNSPLIT = 2,
	/*
	 * The checksum was left to the NIC and the payload was not captured whole, so that nobody can compute it. The
	 * field holds the sum of the pseudo header, as any capture on the sending host shows it: consumers report a
	 * wrong checksum.
	 */
	SPLIT_CHECKSUM_UNKNOWN = 4,
	SPLIT_TRIMMED = 8, /* has fewer bytes than on the wire: snaplen, or not captured */
};

#define SPLIT_HEADER_MAX 512 /* packets with longer headers stay in one piece */
#define SPLIT_LEVELS 4 /* GSO packets with this many IP headers within each other stay in one piece */

struct split {
	struct split_input in;
	/* outermost first; as captured, except that a jumbo option's room is taken away from what follows it */
	struct headers level[SPLIT_LEVELS];
	/* of each level, what its checksums have in common in all packets: the pseudo header, the IPv4 header */
	checksum_t pseudo[SPLIT_LEVELS], ipv4[SPLIT_LEVELS];
	uint32_t levels;
	uint32_t source; /* where the payload starts in the capture; headers are what lies before it */
	uint32_t size; /* bytes of payload per packet */
	uint32_t shift; /* bytes of the tag that is put back */
	uint32_t option, cut; /* the jumbo option that is taken out: where, and its bytes */
	uint32_t count, next; /* packets */
	uint32_t flags;
};

struct split_packet {
	const uint8_t *header; /* the caller's buffer */
	uint32_t header_len;
	const uint8_t *payload; /* in the capture or its pieces */
	uint32_t payload_len;
	uint32_t wire_len; /* bytes the packet had on the wire */
	uint32_t flags; /* enum split_flags */
	uint32_t l3; /* offset of the IP header, valid where family is not 0 */
	uint8_t family; /* 4, 6; 0: no IP header was found */
	bool ethernet; /* starts with an Ethernet header */
};

/* Prepares; split_count() packets will come. in->packet's bytes have to stay until the last one is sent. */
void split_begin(struct split *s, const struct split_input *in);

static inline uint32_t split_count(const struct split *s)
{
	return s->count;
}

/* The next packet, its headers written to header (SPLIT_HEADER_MAX bytes). False: there is none. */
bool split_next(struct split *s, uint8_t *header, struct split_packet *packet);

#endif
