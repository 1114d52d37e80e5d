/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "segment.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "../../abi/flow_hash.h"
#include "../../wire/bytes.h"
#include "../../wire/checksum.h"

uint64_t flow_key_hash(const struct flow_key *key, uint64_t seed)
{
	uint32_t words[sizeof(*key) / 4];
	uint64_t hash = seed;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / 4; i++)
		hash = hash_mix(hash ^ words[i]);
	return hash;
}

enum segment_result segment_find(const struct copy *p, struct segment *s)
{
	const struct headers *h = &p->headers;
	const uint8_t *at = p->frame.at, *tcp = at + h->l4;
	uint32_t size = h->family == 4 ? 4 : 16, there;

	if (!h->family || h->proto != IPPROTO_TCP)
		return SEGMENT_NONE;
	if (h->fragment != FRAGMENT_NONE)
		return SEGMENT_FRAGMENT;
	if (!h->data)
		return SEGMENT_NONE;

	there = p->frame.len < h->end ? p->frame.len : h->end;
	*s = (struct segment){
		.seq = get32(tcp + 4),
		.ack = get32(tcp + 8),
		.time_ns = p->time_ns,
		.flags = tcp[13],
		.payload = at + h->data,
		.len = there - h->data,
		.wire_len = h->end - h->data,
	};
	memcpy(s->key.src, at + h->src, size);
	memcpy(s->key.dst, at + h->dst, size);
	s->key.vni = p->tunnel.vni;
	s->key.src_port = get16(tcp);
	s->key.dst_port = get16(tcp + 2);
	s->key.family = h->family;
	return SEGMENT_FOUND;
}

bool segment_valid(const struct copy *p, const struct segment *s)
{
	const struct headers *h = &p->headers;
	const uint8_t *at = p->frame.at;
	uint32_t len = h->end - h->l4;
	checksum_t pseudo;

	if ((s->flags & TH_SYN && s->flags & (TH_FIN | TH_RST)) || !(s->flags & (TH_SYN | TH_ACK | TH_RST)))
		return false;
	if (s->len < s->wire_len)
		return true;
	pseudo = checksum_pseudo(h->family, at + h->src, at + h->dst, IPPROTO_TCP, len);
	return checksum_fold(checksum_add(pseudo, at + h->l4, len)) == 0xffff ||
	       checksum_get(at + h->l4 + checksum_field(IPPROTO_TCP)) == checksum_fold(pseudo);
}
