/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The protection of a client's Initial packets (RFC 9001 5, RFC 9369 3.3). Its keys follow from a connection
 * ID in clear text: it proves that a packet is QUIC and undamaged, and hides nothing.
 */
#pragma once

#include "cursor.h"

#define QUIC_V1 0x00000001
#define QUIC_V2 0x6b3343cf

#define QUIC_KEY_SIZE 16
#define QUIC_IV_SIZE 12
#define QUIC_TAG_SIZE 16
#define QUIC_SAMPLE_SIZE 16
#define QUIC_NUMBER_MAX 4 /* bytes of a packet number */

struct quic_keys {
	uint8_t key[QUIC_KEY_SIZE], iv[QUIC_IV_SIZE], header[QUIC_KEY_SIZE];
};

/* version: one of the above. id: the Destination Connection ID of the client's first Initial. */
void quic_initial_keys(struct quic_keys *k, uint32_t version, struct cursor id);

/*
 * Removes the protection of a packet. number_at: offset of its packet number. opened: room for len bytes.
 * Returns its frames, which are there; bad: not with these keys.
 */
struct cursor quic_initial_open(const struct quic_keys *k, const uint8_t *packet, size_t len,
				size_t number_at, uint8_t *opened);
