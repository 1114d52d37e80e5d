/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "quic_initial.h"

#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

static const struct parameters {
	uint8_t salt[20];
	const char *key, *iv, *header; /* labels */
} v1 = {
	{ 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	"quic key",
	"quic iv",
	"quic hp",
}, v2 = {
	{ 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	"quicv2 key",
	"quicv2 iv",
	"quicv2 hp",
};

static void put_byte(struct hmac_sha256_ctx *hmac, uint8_t byte)
{
	hmac_sha256_update(hmac, 1, &byte);
}

/* HKDF-Expand-Label (RFC 8446 7.1), no context. A result no longer than a hash takes one round of HMAC. */
static void expand(const uint8_t *secret, const char *label, uint8_t *to, size_t len)
{
	static const char prefix[] = "tls13 ";
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, SHA256_DIGEST_SIZE, secret);
	put_byte(&hmac, 0);
	put_byte(&hmac, len);
	put_byte(&hmac, strlen(prefix) + strlen(label));
	hmac_sha256_update(&hmac, strlen(prefix), (const uint8_t *)prefix);
	hmac_sha256_update(&hmac, strlen(label), (const uint8_t *)label);
	put_byte(&hmac, 0);
	put_byte(&hmac, 1);
	hmac_sha256_digest(&hmac, len, to);
}

void quic_initial_keys(struct quic_keys *k, uint32_t version, struct cursor id)
{
	const struct parameters *p = version == QUIC_V2 ? &v2 : &v1;
	uint8_t initial[SHA256_DIGEST_SIZE], client[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(p->salt), p->salt);
	hmac_sha256_update(&hmac, id.left, id.at);
	hmac_sha256_digest(&hmac, sizeof(initial), initial);
	expand(initial, "client in", client, sizeof(client));
	expand(client, p->key, k->key, sizeof(k->key));
	expand(client, p->iv, k->iv, sizeof(k->iv));
	expand(client, p->header, k->header, sizeof(k->header));
}

/* Returns the size of the packet number (RFC 9001 5.4.1). */
static size_t open_header(const struct quic_keys *k, uint8_t *packet, size_t number_at)
{
	uint8_t mask[QUIC_SAMPLE_SIZE];
	struct aes128_ctx aes;
	size_t size;

	aes128_set_encrypt_key(&aes, k->header);
	aes128_encrypt(&aes, sizeof(mask), mask, packet + number_at + QUIC_NUMBER_MAX);
	packet[0] ^= mask[0] & 0x0f;
	size = (packet[0] & 0x03) + 1;
	for (size_t i = 0; i < size; i++)
		packet[number_at + i] ^= mask[1 + i];
	return size;
}

/*
 * With the number as it is in the packet, which is all of it until a server acknowledges an Initial (RFC 9000
 * 17.1): that is after the ClientHello.
 */
static void set_nonce(struct gcm_aes128_ctx *gcm, const struct quic_keys *k, const uint8_t *number,
		      size_t size)
{
	uint8_t nonce[QUIC_IV_SIZE];

	memcpy(nonce, k->iv, sizeof(nonce));
	for (size_t i = 0; i < size; i++)
		nonce[sizeof(nonce) - size + i] ^= number[i];
	gcm_aes128_set_iv(gcm, sizeof(nonce), nonce);
}

struct cursor quic_initial_open(const struct quic_keys *k, const uint8_t *packet, size_t len,
				size_t number_at, uint8_t *opened)
{
	uint8_t tag[QUIC_TAG_SIZE];
	struct gcm_aes128_ctx gcm;
	size_t at, size;

	if (len < number_at + QUIC_NUMBER_MAX + QUIC_SAMPLE_SIZE)
		return (struct cursor){ .bad = true };
	memcpy(opened, packet, len);
	at = number_at + open_header(k, opened, number_at);
	size = len - at - sizeof(tag);
	gcm_aes128_set_key(&gcm, k->key);
	set_nonce(&gcm, k, opened + number_at, at - number_at);
	gcm_aes128_update(&gcm, at, opened);
	gcm_aes128_decrypt(&gcm, size, opened + at, opened + at);
	gcm_aes128_digest(&gcm, sizeof(tag), tag);
	if (!memeql_sec(tag, opened + at + size, sizeof(tag)))
		return (struct cursor){ .bad = true };
	return (struct cursor){ opened + at, size, false };
}
