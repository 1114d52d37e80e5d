/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Turns a captured packet into the packets that the wire carried: segments a GSO or GRO packet, puts a VLAN
 * tag in metadata back into the frame, completes checksums that were left to the NIC, and truncates each
 * packet to snaplen, or replaces what follows by zeros. Every packet takes this path, even if it needs none
 * of these steps. Nothing is allocated, and payload is not copied.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "checksum.h"
#include "headers.h"

struct split_input {
	struct capture packet; /* wire_len without the tag in metadata, as in struct mirror_record */
	/* if stride != 0: pieces of the capture that packet.at does not hold, see ../abi/record.h */
	const uint8_t *pieces;
	uint32_t pieces_len, stride, pieces_from;
	uint32_t gso_size; /* bytes of layer-4 payload per segment; 0: not a GSO packet */
	uint32_t segments; /* only the first ones of a GSO packet; 0: all */
	uint32_t snaplen; /* the most bytes of each packet, from its first, with a tag put back; 0: all */
	bool zero; /* zeros after snaplen bytes, up to the packet's length, and checksums to match */
	uint16_t vlan_tci; /* tag in metadata, host byte order */
	uint16_t vlan_proto; /* its EtherType, host byte order; 0: none */
	bool l3; /* no Ethernet header; a tag in metadata is then ignored */
	/*
	 * The packet came in, so GRO may have built it. Linux increments the IP ID of segments; but if GRO
	 * merged datagrams that all had DF and ID 0, their sender wrote 0 in each.
	 */
	bool received;
};

enum split_flags {
	SPLIT_SEGMENT = 1, /* a segment of a GSO packet */
	/*
	 * A GSO packet that we cannot segment: headers not captured, or neither TCP nor UDP, or a tunnel that
	 * headers_inner() cannot parse, or UFO. It stays in one piece, lengths as captured.
	 */
	SPLIT_UNSPLIT = 2,
	/*
	 * The checksum was left to the NIC and the payload was not captured completely, so it cannot be
	 * computed. The field holds the sum of the pseudo header, as in any capture on the sending host:
	 * consumers report a wrong checksum. Or it is the CRC32c of SCTP, and the field holds 0.
	 */
	SPLIT_CHECKSUM_UNKNOWN = 4,
	SPLIT_TRIMMED = 8, /* has fewer bytes than on the wire: truncated to snaplen, or not captured */
	/*
	 * CWR was cleared in a segment, as in classic ECN, in which only the first one has it. In AccECN
	 * (RFC 9768) all have it; that is certain only if AE is set, too.
	 */
	SPLIT_CWR_UNKNOWN = 16,
};

#define SPLIT_HEADER_MAX 512 /* packets with longer headers stay in one piece */
#define SPLIT_LEVELS 4 /* GSO packets with this many nested IP headers stay in one piece */

struct split {
	struct split_input in;
	/* outermost first; as captured, but offsets after a removed jumbo option are reduced by its size */
	struct headers level[SPLIT_LEVELS];
	/* per level, the part of checksums common to all packets: of the pseudo header, of the IPv4 header */
	checksum_t pseudo[SPLIT_LEVELS], ipv4[SPLIT_LEVELS];
	uint32_t levels;
	uint32_t source; /* offset of the payload in the capture; the headers are before it */
	uint32_t size; /* bytes of payload per packet */
	uint32_t shift; /* bytes of the tag to put back */
	uint32_t option, cut; /* the jumbo option to remove: its offset and size */
	uint32_t segments; /* of the GSO packet */
	uint32_t count, next; /* packets */
	uint32_t flags;
};

struct split_packet {
	const uint8_t *header; /* the caller's buffer */
	uint32_t header_len;
	const uint8_t *payload; /* in the capture or its pieces */
	uint32_t payload_len;
	uint32_t wire_len; /* bytes of the packet on the wire */
	uint32_t flags; /* enum split_flags */
	uint32_t l3; /* offset of the IP header, valid if family is not 0 */
	uint8_t family; /* 4, 6; 0: no IP header was found */
	bool ethernet; /* starts with an Ethernet header */
};

/* Prepares split_count() packets. in->packet's bytes must stay valid until the last one is sent. */
void split_begin(struct split *s, const struct split_input *in);

static inline uint32_t split_count(const struct split *s)
{
	return s->count;
}

/* Truncates a packet to at most this many bytes, 0: all. */
void split_truncate(struct split_packet *packet, uint32_t snaplen);

/* The next packet; writes its headers to header (SPLIT_HEADER_MAX bytes). False: there is none. */
bool split_next(struct split *s, uint8_t *header, struct split_packet *packet);

/*
 * Instead of split_next(): the GSO packet as it is, for Linux to segment, with a tag put back and a partial
 * checksum. False: Linux would not make split_next()'s packets of it, byte for byte, or not all is captured
 * and wanted.
 */
bool split_whole(const struct split *s, uint8_t *header, struct split_packet *packet);
