/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "quic_name.h"

#include <string.h>

#include "client_hello.h"

#define LONG_HEADER 0x80

enum type { INITIAL, ZERO_RTT, HANDSHAKE, RETRY }; /* as version 1 numbers them */

enum frame { PADDING = 0, PING = 1, ACK = 2, ACK_ECN = 3, CRYPTO = 6 }; /* all that we need of an Initial */

struct packet {
	uint32_t version;
	enum type type;
	struct cursor id; /* Destination Connection ID */
	const uint8_t *at;
	size_t len, number_at;
};

void quic_name_free(struct quic_name *q)
{
	reassembly_free(&q->crypto);
}

/* A number of 1, 2, 4 or 8 bytes, as its first two bits say (RFC 9000 16). */
static uint64_t read_varint(struct cursor *c)
{
	size_t size = c->left ? 1U << (*c->at >> 6) : 1;

	return cursor_number(c, size) & (UINT64_MAX >> (66 - 8 * size));
}

/* Version 2 has moved the types on by one (RFC 9369 3.2). */
static enum type type_of(uint8_t first, uint32_t version)
{
	return ((first >> 4) - (version == QUIC_V2)) & 3;
}

/* False: what follows is not a packet with a long header and a length (RFC 9000 17.2, 12.2). */
static bool next_packet(struct cursor *c, struct packet *p)
{
	uint8_t first;
	uint64_t size;

	p->at = c->at;
	first = cursor_number(c, 1);
	p->version = cursor_number(c, 4);
	p->type = type_of(first, p->version);
	p->id = cursor_vector(c, 1);
	cursor_vector(c, 1); /* Source Connection ID */
	if (!(first & LONG_HEADER) || (p->version != QUIC_V1 && p->version != QUIC_V2) || p->type == RETRY)
		return false;
	if (p->type == INITIAL)
		cursor_part(c, read_varint(c)); /* token */
	size = read_varint(c);
	p->number_at = c->at - p->at;
	p->len = p->number_at + size;
	cursor_part(c, size);
	return !c->bad;
}

static struct cursor open_initial(struct quic_name *q, const struct packet *p, uint8_t *opened)
{
	struct cursor frames = { .bad = true };
	struct quic_keys own;

	if (q->keyed)
		frames = quic_initial_open(&q->keys, p->at, p->len, p->number_at, opened);
	if (!frames.bad)
		return frames;
	quic_initial_keys(&own, p->version, p->id);
	frames = quic_initial_open(&own, p->at, p->len, p->number_at, opened);
	if (!frames.bad) {
		quic_name_free(q);
		*q = (struct quic_name){ .keyed = true, .keys = own };
	}
	return frames;
}

static void skip_ack(struct cursor *c, bool ecn)
{
	uint64_t ranges, counts = ecn ? 3 : 0;

	read_varint(c); /* largest acknowledged */
	read_varint(c); /* delay */
	ranges = read_varint(c);
	read_varint(c); /* first range */
	for (uint64_t i = 0; i < ranges && !c->bad; i++) {
		read_varint(c); /* gap */
		read_varint(c); /* range */
	}
	for (uint64_t i = 0; i < counts; i++)
		read_varint(c);
}

static bool read_crypto(struct quic_name *q, struct cursor *c)
{
	uint64_t offset = read_varint(c);
	struct cursor data = cursor_part(c, read_varint(c));

	return !data.bad && reassembly_add(&q->crypto, offset, data.at, data.left);
}

/* False: a frame that is malformed, or not allowed, or ends the connection (RFC 9000 12.4). */
static bool read_frame(struct quic_name *q, struct cursor *c)
{
	uint64_t type = read_varint(c);

	switch (type) {
	case ACK:
	case ACK_ECN:
		skip_ack(c, type == ACK_ECN);
		/* fall through */
	case PADDING:
	case PING:
		return !c->bad;
	case CRYPTO:
		return read_crypto(q, c);
	}
	return false;
}

static enum name_state read_frames(struct quic_name *q, struct cursor frames, char name[NAME_SIZE])
{
	const uint8_t *hello;
	size_t len;

	while (frames.left)
		if (!read_frame(q, &frames))
			return NAME_NONE;
	hello = reassembly_stream(&q->crypto, &len);
	return client_hello_name(hello, len, name);
}

static bool same_id(struct cursor a, struct cursor b)
{
	return a.left == b.left && !memcmp(a.at, b.at, a.left);
}

/*
 * Packets after one with another ID or of other keys are not read: servers may ignore them, too (RFC 9000
 * 12.2), and so a datagram costs no more than one derivation of keys.
 */
enum name_state quic_name_read(struct quic_name *q, const uint8_t *datagram, size_t len, char name[NAME_SIZE])
{
	enum name_state state = NAME_UNDECIDED;
	struct cursor c = { datagram, len, false }, frames;
	struct packet first, p;
	uint8_t opened[UINT16_MAX];

	if (len > sizeof(opened) || !next_packet(&c, &first))
		return NAME_NONE;
	p = first;
	do {
		if (p.type != INITIAL)
			continue;
		frames = open_initial(q, &p, opened);
		if (frames.bad)
			return q->keyed ? NAME_UNDECIDED : NAME_NONE;
		state = read_frames(q, frames, name);
	} while (state == NAME_UNDECIDED && next_packet(&c, &p) && same_id(p.id, first.id));
	return state;
}
