// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "deliver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "../wire/split.h"

/*
 * The data path's hash considers the packet alone. Fragments and ICMP errors belong to the flow of another
 * packet. (Segmented packets, whose headers are not where they were captured, are neither.)
 */
static uint32_t hash_of(struct deliverer *d, const struct mirror_record *r, const struct split *s)
{
	const struct headers *h = &s->level[0];
	bool icmp = h->proto == IPPROTO_ICMP || h->proto == IPPROTO_ICMPV6;

	if (!h->family || (h->fragment == FRAGMENT_NONE && !icmp))
		return r->hash;
	return flow_hash(&d->fragments, &s->in.packet, h, r->time_ns);
}

/* Truncates *len to the available room. False: drop the copy. */
static bool fit(struct deliverer *d, const struct collector *c, const struct split_packet *p, uint32_t outer,
		uint32_t *len)
{
	static const enum mirror_sent counters[COPY_VERDICTS] = {
		[COPY_TRUNCATED] = SENT_OVERSIZE_TRUNCATED,
		[COPY_DROPPED] = SENT_OVERSIZE_DROPPED,
		[COPY_FRAGMENTED] = SENT_OVERSIZE_FRAGMENTED,
	};
	const struct oversize_room room = collector_room(c, p);
	enum oversize_verdict verdict = oversize_decide(c->group->oversize, &room, outer, len);

	if (verdict != COPY_FITS)
		count(&d->shared->sent[counters[verdict]], 1);
	return verdict != COPY_DROPPED;
}

static void put(struct deliverer *d, struct collector *c, struct tx_queue *queue,
		const struct encap_origin *origin, uint8_t *header, struct split_packet *p)
{
	uint8_t outer[ENCAP_MAX];
	uint32_t skip, len, from_header;
	int size = encap_build(&c->encap, p, origin, outer, &skip);

	if (size == -EPROTONOSUPPORT) {
		count(&d->shared->sent[SENT_NOT_IP], 1);
		return;
	}
	if (size < 0) {
		count_refused(d->shared, -size, 1);
		return;
	}
	len = p->header_len - skip + p->payload_len;
	if (!fit(d, c, p, size, &len))
		return;
	if (len < p->header_len - skip + p->payload_len && !(p->flags & SPLIT_TRIMMED)) {
		p->flags |= SPLIT_TRIMMED; /* the encapsulation may carry a truncation mark */
		encap_build(&c->encap, p, origin, outer, &skip);
	}
	c->encap.sequence++;
	from_header = p->header_len - skip < len ? p->header_len - skip : len;
	header += skip;
	memcpy(header - size, outer, size);
	batch_add(&d->batch, queue,
		  c->encap.format->carrier == CARRIER_DEVICE ? &c->device[p->family == 6] : NULL,
		  header - size, size + from_header, p->payload, len - from_header, len);
}

static void count_packet(const struct shared *shared, uint32_t flags)
{
	static const struct {
		enum split_flags flag;
		enum mirror_sent counter;
	} counters[] = {
		{ SPLIT_SEGMENT, SENT_SPLIT },		 { SPLIT_UNSPLIT, SENT_UNSPLIT },
		{ SPLIT_TRIMMED, SENT_TRIMMED },	 { SPLIT_CHECKSUM_UNKNOWN, SENT_CHECKSUM_UNKNOWN },
		{ SPLIT_CWR_UNKNOWN, SENT_CWR_UNKNOWN },
	};

	for (size_t i = 0; flags && i < sizeof(counters) / sizeof(counters[0]); i++)
		if (flags & counters[i].flag)
			count(&shared->sent[counters[i].counter], 1);
}

/*
 * A commit gives a filter another group, and with it other TX queues: what waits in the old ones leaves
 * before the first copy in the new ones. A look per record takes 3 ns; a number that commits raise would not
 * see what bpftool changes, nor tell which records are older than the commit.
 */
static void keep_order(struct deliverer *d, const struct mirror_record *r)
{
	uint32_t filter = r->ifindex << 8 | (r->flags & RECORD_EGRESS) << 7 | r->filter;
	struct deliverer_route *last = &d->last[(filter ^ filter >> 8) % 256];

	if (last->filter == filter && last->group != r->group)
		batch_send(&d->batch);
	*last = (struct deliverer_route){ filter, r->group };
}

void deliver(struct deliverer *d, const struct mirror_record *r, uint32_t captured)
{
	const struct encap_origin origin = {
		.time_ns = r->time_ns + d->realtime,
		.ifindex = r->ifindex,
		.filter = r->filter,
		.egress = r->flags & RECORD_EGRESS,
	};
	const uint32_t head = r->stride && captured > RECORD_HEAD_SIZE ? RECORD_HEAD_SIZE : captured;
	const struct split_input in = {
		.packet = { r->data, head, r->wire_len > head ? r->wire_len : head },
		.pieces = r->data + head,
		.pieces_len = captured - head,
		.stride = r->stride,
		.pieces_from = r->payload,
		.gso_size = r->gso_size,
		.snaplen = r->snaplen,
		.vlan_tci = r->vlan_tci,
		.vlan_proto = ntohs(r->vlan_proto),
		.l3 = r->flags & RECORD_L3,
		.received = !(r->flags & RECORD_EGRESS),
	};
	struct group *g = groups_find(&d->groups, r->group);
	struct split_packet p;
	struct collector *c;
	struct tx_queue *queue;
	struct split s;
	uint8_t *headers;
	uint32_t hash, copies;

	count(&d->shared->sent[SENT_RECORDS], 1);
	keep_order(d, r);
	split_begin(&s, &in);
	hash = hash_of(d, r, &s);
	c = g ? group_choose(g, hash) : NULL;
	if (!c) {
		count(&d->shared->sent[SENT_NO_COLLECTOR], split_count(&s));
		return;
	}
	if (hash < c->counters->shed) {
		copies = split_count(&s);
		count(&d->shared->sent[SENT_SHED], copies);
		count(&c->counters->shed_copies, copies);
		return;
	}
	if (!c->queues || !captured || collector_drops(c, d->batch.now)) {
		copies = split_count(&s);
		count_refused(d->shared, !captured ? ENODATA : c->queues ? EHOSTUNREACH : EBADF, copies);
		count(&c->counters->refused, copies);
		return;
	}
	queue = &c->queue[flow_port(hash, c->queues)];
	for (;;) {
		headers = batch_headers(&d->batch);
		if (!headers) {
			batch_send(&d->batch);
			continue;
		}
		if (!split_next(&s, headers + ENCAP_MAX, &p))
			break;
		count_packet(d->shared, p.flags);
		put(d, c, queue, &origin, headers + ENCAP_MAX, &p);
	}
}
