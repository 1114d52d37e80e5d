// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "explain_names.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../wire/connection.h"
#include "../wire/flow.h"
#include "../wire/name.h"
#include "list.h"

struct flow {
	uint64_t hash; /* the first member, for compare() */
	struct name_reader *reader; /* NULL: its class is known */
	uint16_t class;
	struct connection connection;
	size_t *held, n; /* packets that wait */
};

struct explain_names {
	struct explain_names_user user;
	void *flows; /* of tsearch() */
	struct flow_fragments fragments;
};

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

struct explain_names *explain_names_new(const struct explain_names_user *user)
{
	struct explain_names *n = calloc(1, sizeof(*n));

	if (n)
		n->user = *user;
	return n;
}

static void flow_free(void *flow)
{
	struct flow *f = flow;

	name_reader_free(f->reader);
	free(f->held);
	free(f);
}

void explain_names_free(struct explain_names *n)
{
	if (!n)
		return;
	tdestroy(n->flows, flow_free);
	free(n);
}

/* An ICMP error belongs to the flow of the packet that it quotes. */
static uint64_t flow_of(struct explain_names *n, const struct explain_frame *f, uint64_t flow)
{
	return is_icmp(f->headers.proto) ? flow_hash(&n->fragments, &f->whole, &f->headers, 1) : flow;
}

static bool is_named(const struct headers *h)
{
	return h->proto == IPPROTO_TCP || h->proto == IPPROTO_UDP;
}

/* A flow of which nothing is known, or a new connection of the same ends. 0 or -ENOMEM. */
static int open_flow(struct flow *flow, const struct connection_packet *p)
{
	flow->reader = name_reader_new();
	flow->connection = connection_open(p);
	return flow->reader ? 0 : -ENOMEM;
}

/* Finds it or makes it; NULL: out of memory. */
static struct flow *find(struct explain_names *n, uint64_t hash, const struct connection_packet *p)
{
	struct flow *flow = calloc(1, sizeof(*flow)), **found;

	if (!flow)
		return NULL;
	flow->hash = hash;
	found = tsearch(flow, &n->flows, compare);
	if (!found || *found != flow) {
		free(flow);
		return found ? *found : NULL;
	}
	return open_flow(flow, p) ? NULL : flow;
}

static void decide(struct explain_names *n, struct flow *flow, uint16_t class)
{
	name_reader_free(flow->reader);
	flow->reader = NULL;
	flow->class = class;
	for (size_t i = 0; i < flow->n; i++)
		n->user.decided(n->user.ctx, flow->held[i], flow->hash, class);
	flow->n = 0;
}

static void read_name(struct explain_names *n, struct flow *flow, const struct explain_frame *f,
		      const struct connection_packet *p)
{
	char name[NAME_SIZE];

	switch (name_read(flow->reader, &f->whole, &f->headers, 0, p->direction, name)) {
	case NAME_FOUND:
		decide(n, flow, n->user.class_of(n->user.ctx, name));
		break;
	case NAME_NONE:
		decide(n, flow, CLASS_NONE);
		break;
	case NAME_MIDDLE:
		decide(n, flow, CLASS_MIDDLE);
		break;
	case NAME_UNDECIDED:
		if (connection_closes(&flow->connection, p))
			decide(n, flow, CLASS_NONE);
	}
}

static int hold(struct flow *flow, size_t packet)
{
	size_t *grown = list_grow(flow->held, flow->n, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	flow->held = grown;
	grown[flow->n++] = packet;
	return 0;
}

/* Whether a packet of a flow whose class is known makes it undecided again. */
static bool reopens(const struct flow *flow, const struct explain_frame *f, const struct connection_packet *p)
{
	return is_named(&f->headers) && (connection_begins(p) || flow->class == CLASS_MIDDLE);
}

int explain_names_hold(struct explain_names *n, size_t packet, const struct explain_frame *f, uint64_t hash)
{
	const struct connection_packet p = connection_packet(&f->whole, &f->headers);
	struct flow *flow = find(n, flow_of(n, f, hash), &p);
	int err;

	if (!flow)
		return -ENOMEM;
	if (flow->reader && connection_is_another(&flow->connection, &p))
		decide(n, flow, CLASS_NONE);
	if (!flow->reader && reopens(flow, f, &p) && open_flow(flow, &p))
		return -ENOMEM;
	err = hold(flow, packet);
	if (err)
		return err;
	if (!flow->reader)
		decide(n, flow, flow->class);
	else if (is_named(&f->headers))
		read_name(n, flow, f, &p);
	return 0;
}
