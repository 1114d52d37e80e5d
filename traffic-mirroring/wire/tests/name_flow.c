/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "name_flow.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes.h"

#define IPV4_SIZE 20
#define TCP_SIZE 32 /* with options */
#define UDP_SIZE 8

void name_flow_begin(struct name_flow *f)
{
	*f = (struct name_flow){ .reader = name_reader_new() };
}

void name_flow_end(struct name_flow *f)
{
	name_reader_free(f->reader);
}

enum name_state name_flow_packet(struct name_flow *f, int direction, uint8_t proto, uint16_t fragment,
				 uint32_t gso_size, const void *l4, size_t len)
{
	uint32_t ip_len = IPV4_SIZE + len, wire_len = ip_len + f->padding;
	uint32_t captured = wire_len - f->truncated;
	uint8_t *packet = calloc(1, captured);
	struct capture c = { packet, captured, wire_len };
	struct headers h;

	packet[0] = 0x45;
	if (ip_len <= UINT16_MAX) /* more: BIG TCP */
		put16(packet + 2, ip_len);
	put16(packet + 6, fragment);
	packet[9] = proto;
	memcpy(packet + IPV4_SIZE, l4, captured < ip_len ? captured - IPV4_SIZE : len);
	headers_parse(&c, true, &h);
	f->state = name_read(f->reader, &c, &h, gso_size, direction, f->name);
	if (f->state != NAME_FOUND)
		f->name[0] = 0;
	free(packet);
	return f->state;
}

enum name_state name_flow_tcp(struct name_flow *f, int direction, uint8_t flags, uint32_t seq,
			      const void *payload, size_t len)
{
	uint8_t *tcp = calloc(1, TCP_SIZE + len);
	enum name_state state;

	put32(tcp + 4, seq + (direction == CLIENT ? CLIENT_ISN : SERVER_ISN));
	if (direction == SERVER && flags & TH_SYN)
		put32(tcp + 8, CLIENT_ISN + 1);
	tcp[12] = TCP_SIZE / 4 << 4;
	tcp[13] = flags;
	if (len)
		memcpy(tcp + TCP_SIZE, payload, len);
	state = name_flow_packet(f, direction, IPPROTO_TCP, 0, 0, tcp, TCP_SIZE + len);
	free(tcp);
	return state;
}

void name_flow_open(struct name_flow *f)
{
	name_flow_tcp(f, CLIENT, TH_SYN, 0, NULL, 0);
	name_flow_tcp(f, SERVER, TH_SYN | TH_ACK, 0, NULL, 0);
}

enum name_state name_flow_send(struct name_flow *f, size_t offset, const void *bytes, size_t len)
{
	return name_flow_tcp(f, CLIENT, TH_ACK, 1 + offset, bytes, len);
}

enum name_state name_flow_udp(struct name_flow *f, int direction, uint32_t gso_size, const void *payload,
			      size_t len)
{
	uint8_t *udp = calloc(1, UDP_SIZE + len);
	enum name_state state;

	put16(udp + 4, UDP_SIZE + len);
	if (len)
		memcpy(udp + UDP_SIZE, payload, len);
	state = name_flow_packet(f, direction, IPPROTO_UDP, 0, gso_size, udp, UDP_SIZE + len);
	free(udp);
	return state;
}
