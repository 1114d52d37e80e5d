// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "packets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#ifndef IPPROTO_DCCP
#define IPPROTO_DCCP 33
#endif

static uint8_t *append(struct packet *p, size_t size)
{
	uint8_t *at = p->data + p->len;

	assert(p->len + size <= sizeof(p->data));
	memset(at, 0, size);
	p->len += size;
	return at;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static void put_address(uint8_t *at, uint8_t family, const char *text)
{
	int read = *text ? inet_pton(family == 6 ? AF_INET6 : AF_INET, text, at) : 1;

	assert(read == 1);
	(void)read;
}

static void append_ethernet(struct packet *p, const struct packet_spec *s)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	memcpy(append(p, sizeof(macs)), macs, sizeof(macs));
	for (size_t i = 0; i < SHAPE_TAGS && s->tag[i].type; i++) {
		uint8_t *tag = append(p, 4);

		put16(tag, s->tag[i].type);
		put16(tag + 2, s->tag[i].tci);
	}
	put16(append(p, 2), s->family == 4 ? 0x0800 : s->family == 6 ? 0x86dd : s->ethertype);
}

static uint16_t sum16(const uint8_t *at, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void append_ipv4(struct packet *p, const struct packet_spec *s)
{
	size_t size = 20 + 4 * s->options;
	uint8_t *ip = append(p, size);

	ip[0] = 0x40 | size / 4;
	put16(ip + 4, s->id);
	put16(ip + 6, (s->more ? 0x2000 : 0) | s->offset);
	ip[8] = 64;
	ip[9] = s->proto;
	put_address(ip + 12, 4, s->src);
	put_address(ip + 16, 4, s->dst);
	memset(ip + 20, 1, size - 20); /* no-operation options */
}

static void append_ipv6(struct packet *p, const struct packet_spec *s)
{
	uint8_t *ip = append(p, 40), *next = ip + 6;

	ip[0] = 0x60;
	ip[7] = 64;
	put_address(ip + 8, 6, s->src);
	put_address(ip + 24, 6, s->dst);
	for (size_t i = 0; i < s->n_extensions; i++) {
		uint8_t *ext;

		*next = s->extension[i];
		switch (s->extension[i]) {
		case IPPROTO_FRAGMENT:
			ext = append(p, 8);
			put16(ext + 2, s->offset << 3 | s->more);
			put32(ext + 4, s->id);
			break;
		case IPPROTO_AH:
			ext = append(p, 24);
			ext[1] = 24 / 4 - 2;
			break;
		default:
			ext = append(p, 16);
			ext[1] = 16 / 8 - 1;
		}
		next = ext;
	}
	*next = s->proto;
}

size_t packet_l4_size(uint8_t family, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return 8;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return 12;
	case IPPROTO_ICMP:
		return family == 4 ? 4 : 0;
	case IPPROTO_ICMPV6:
		return family == 6 ? 4 : 0;
	default:
		return 0;
	}
}

static void append_l4(struct packet *p, const struct packet_spec *s)
{
	size_t size = packet_l4_size(s->family, s->proto);
	uint8_t *l4 = append(p, size);

	switch (s->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (size)
			l4[0] = s->icmp_type;
		return;
	case IPPROTO_TCP:
		l4[12] = 5 << 4;
		l4[13] = s->tcp_flags;
		break;
	case IPPROTO_UDP:
		put16(l4 + 4, size + s->payload);
		break;
	}
	if (size) {
		put16(l4, s->src_port);
		put16(l4 + 2, s->dst_port);
	}
}

void packet_build(const struct packet_spec *s, struct packet *p)
{
	p->len = 0;
	if (!s->l3)
		append_ethernet(p, s);
	p->l3 = p->len;
	if (s->family == 4)
		append_ipv4(p, s);
	else if (s->family == 6)
		append_ipv6(p, s);
	p->l4 = p->len;
	if (s->family && !s->offset)
		append_l4(p, s);
	memset(append(p, s->payload), 0x5a, s->payload);

	if (!s->length_zero)
		packet_fit(p);
	if (s->family == 4)
		put16(p->data + p->l3 + 10, sum16(p->data + p->l3, p->l4 - p->l3));
}

void packet_fit(struct packet *p)
{
	uint8_t *ip = p->data + p->l3;

	if (p->len < p->l3 + 6)
		return;
	if (ip[0] >> 4 == 4)
		put16(ip + 2, p->len - p->l3);
	else if (ip[0] >> 4 == 6 && p->len >= p->l3 + 40)
		put16(ip + 4, p->len - p->l3 - 40);
}

void packet_cut(struct packet *p, size_t len)
{
	if (len < p->len)
		p->len = len;
}

void packet_print(FILE *to, const struct packet *p)
{
	for (size_t i = 0; i < p->len; i++)
		fprintf(to, "%02x%s", p->data[i], i % 32 == 31 || i + 1 == p->len ? "\n" : "");
}
