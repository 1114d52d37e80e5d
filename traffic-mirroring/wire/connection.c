/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "bytes.h"
#include "flow.h"

struct connection_packet connection_packet(const struct capture *c, const struct headers *h)
{
	struct connection_packet p = { .direction = flow_direction(c, h) };

	if (h->proto == IPPROTO_TCP && h->data) {
		p.flags = c->at[h->l4 + 13];
		p.seq = get32(c->at + h->l4 + 4);
	}
	return p;
}

bool connection_begins(const struct connection_packet *p)
{
	return (p->flags & (TH_SYN | TH_ACK)) == TH_SYN;
}

struct connection connection_open(const struct connection_packet *p)
{
	return (struct connection){ .syn = p->seq, .client = p->direction };
}

bool connection_is_another(const struct connection *connection, const struct connection_packet *p)
{
	return connection_begins(p) && (connection->client != p->direction || connection->syn != p->seq);
}

bool connection_closes(struct connection *connection, const struct connection_packet *p)
{
	if (p->flags & TH_FIN)
		connection->ended |= 1 << p->direction;
	return p->flags & TH_RST || connection->ended == 3;
}
