/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Clients' Initial packets that others made, and those that tests make. */
#pragma once

#include "../quic_initial.h"

#define INITIAL_SIZE 1200 /* bytes of each datagram below */

enum initial {
	INITIAL_RFC9001, /* RFC 9001 A.2, version 1: example.com */
	INITIAL_RFC9369, /* RFC 9369 A.2, version 2: example.com */
	INITIAL_V1_1, /* aioquic, version 1: retry.example.com */
	INITIAL_V1_2,
	INITIAL_RETRIED_1, /* aioquic, the same connection after a Retry */
	INITIAL_RETRIED_2,
	INITIAL_V2_1, /* aioquic, version 2: v2.example.net */
	INITIAL_V2_2,
	INITIALS,
};

extern const char *const initial_hex[INITIALS];

struct initial_packet {
	uint32_t version;
	bool short_header; /* its first bit says so */
	uint8_t id[20], id_len; /* Destination Connection ID */
	uint8_t keys_id[20], keys_id_len; /* from which the keys follow; none: from the former */
	uint8_t token_len;
	uint32_t number;
	uint8_t number_size;
	const uint8_t *frames;
	size_t frames_len;
};

/* Protects a packet as the RFCs have it; returns its size, at most 120 bytes more than its frames. */
size_t initial_seal(const struct initial_packet *p, uint8_t *to);
