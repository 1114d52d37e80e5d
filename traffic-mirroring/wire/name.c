/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "name.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "quic_name.h"
#include "tcp_name.h"

struct name_reader {
	struct tcp_name tcp;
	struct quic_name quic;
	bool udp; /* a datagram was read */
	int client; /* direction of the first one */
};

struct name_reader *name_reader_new(void)
{
	return calloc(1, sizeof(struct name_reader));
}

void name_reader_free(struct name_reader *r)
{
	if (!r)
		return;
	tcp_name_free(&r->tcp);
	quic_name_free(&r->quic);
	free(r);
}

size_t name_reader_bytes(const struct name_reader *r)
{
	return sizeof(*r) + tcp_name_bytes(&r->tcp) + reassembly_bytes(&r->quic.crypto);
}

/* The datagrams of a packet. Only the client's matter, which sends the first. */
static enum name_state read_udp(struct name_reader *r, const uint8_t *at, size_t len, size_t gso_size,
				int direction, char name[NAME_SIZE])
{
	enum name_state state;
	size_t size;

	if (!r->udp)
		r->client = direction;
	r->udp = true;
	if (direction != r->client)
		return NAME_UNDECIDED;
	do {
		size = gso_size && gso_size < len ? gso_size : len;
		state = quic_name_read(&r->quic, at, size, name);
		at += size;
		len -= size;
	} while (len && state == NAME_UNDECIDED);
	return state;
}

enum name_state name_read(struct name_reader *r, const struct capture *c, const struct headers *h,
			  uint32_t gso_size, int direction, char name[NAME_SIZE])
{
	uint32_t end = h->end < c->len ? h->end : c->len;
	size_t len = end > h->data ? end - h->data : 0;

	if (is_icmp(h->proto)) /* about the flow */
		return NAME_UNDECIDED;
	if (h->proto != IPPROTO_TCP && h->proto != IPPROTO_UDP)
		return NAME_NONE;
	if (!h->data) /* the payload is not here, or not where its header says: in a later fragment */
		return NAME_UNDECIDED;
	if (h->proto == IPPROTO_TCP)
		return tcp_name_read(&r->tcp, c->at + h->l4, c->at + h->data, len, direction, name);
	return read_udp(r, c->at + h->data, len, gso_size, direction, name);
}
