/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The TCP segment in a packet. */
#pragma once

#include "../../wire/copy.h"

/* One direction of a connection. Ports: host byte order. Unused bytes are 0, so keys compare as bytes. */
struct flow_key {
	uint8_t src[16], dst[16];
	uint32_t vni;
	uint16_t src_port, dst_port;
	uint8_t family; /* 4, 6 */
	uint8_t pad[3];
};
_Static_assert(sizeof(struct flow_key) == 44, "no hidden padding");

/* All its bits depend on the whole key. Different seeds make independent choices. */
uint64_t flow_key_hash(const struct flow_key *key, uint64_t seed);

struct segment {
	struct flow_key key;
	uint32_t seq, ack;
	uint32_t len; /* bytes of payload captured, from the first on */
	uint32_t wire_len; /* bytes of payload on the wire */
	uint64_t time_ns; /* of the copy */
	uint8_t flags; /* TH_SYN … of netinet/tcp.h */
	const uint8_t *payload;
};

enum segment_result {
	SEGMENT_NONE, /* not TCP, or its header was not copied */
	SEGMENT_FOUND,
	SEGMENT_FRAGMENT, /* of an IP packet: payload without a position in the stream */
};

enum segment_result segment_find(const struct copy *p, struct segment *s);

/*
 * False: contradictory flags, or a wrong checksum, which is checked if the segment is complete. A sum of the
 * pseudo header alone is right: the rest was left to the NIC of the host that captured it.
 */
bool segment_valid(const struct copy *p, const struct segment *s);
