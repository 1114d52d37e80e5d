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

/* Where the copies of a record go for one of its groups. */
struct leg {
	struct collector *collector;
	struct tx_queue *queue;
};

/* Where a copy leaves by; NULL: its socket is connected. */
static const struct sockaddr_ll *name_of(const struct collector *c, const struct split_packet *packet)
{
	return c->encap.format->carrier == CARRIER_DEVICE ? &c->device[packet->family == 6] : NULL;
}

/* packet: the leg's own, to be truncated. to: space for its headers. */
static void put(struct deliverer *d, const struct leg *leg, const struct encap_origin *origin, uint8_t *to,
		struct split_packet packet)
{
	struct collector *c = leg->collector;
	uint32_t prefix = leg->queue->prefix, skip, header, len, whole;
	int size;

	memset(to, 0, prefix);
	to += prefix;
	split_truncate(&packet, c->group->snaplen);
	count_packet(d->shared, packet.flags);
	size = encap_build(&c->encap, &packet, origin, to, &skip);
	if (size == -EPROTONOSUPPORT) {
		count(&d->shared->sent[SENT_NOT_IP], 1);
		return;
	}
	if (size < 0) {
		count_refused(d->shared, -size, 1);
		return;
	}
	header = packet.header_len - skip;
	len = whole = header + packet.payload_len;
	if (!fit(d, c, &packet, size, &len))
		return;
	if (len < whole && !(packet.flags & SPLIT_TRIMMED)) {
		packet.flags |= SPLIT_TRIMMED; /* the encapsulation may carry a truncation mark */
		encap_build(&c->encap, &packet, origin, to, &skip);
	}
	c->encap.sequence++;
	header = header < len ? header : len;
	memcpy(to + size, packet.header + skip, header);
	batch_add(&d->batch, leg->queue, name_of(c, &packet), prefix + size + header, packet.payload,
		  len - header, len);
}

/* Sends a GSO packet whole out of a leg's device. False: the leg gets its segments. */
static bool put_whole(struct deliverer *d, const struct leg *leg, const struct encap_origin *origin,
		      const struct split *s, uint8_t *to)
{
	struct collector *c = leg->collector;
	uint8_t headers[SPLIT_HEADER_MAX];
	struct split_packet packet;
	struct virtio_net_hdr whole;
	uint32_t skip, header;
	int size;

	if (!c->whole || c->group->snaplen || (s->level[0].proto == IPPROTO_UDP && !c->whole_udp) ||
	    !split_whole(s, headers, &packet))
		return false;
	size = encap_build(&c->encap, &packet, origin, to + sizeof(whole), &skip);
	header = packet.header_len - skip;
	if (size < 0 || size + header + s->size > collector_room(c, &packet).path)
		return false;
	count(&d->shared->sent[SENT_WHOLE], 1);
	whole = whole_describe(s, size - skip + s->shift + s->level[0].l4);
	memcpy(to, &whole, sizeof(whole));
	memcpy(to + sizeof(whole) + size, headers + skip, header);
	batch_add(&d->batch, leg->queue, name_of(c, &packet), sizeof(whole) + size + header, packet.payload,
		  packet.payload_len, s->segments * header + packet.payload_len)
		->packets = s->segments;
	return true;
}

/* Returns how many legs are left, which get the segments. */
static unsigned int put_whole_to(struct deliverer *d, struct leg legs[MIRROR_MAX_LEGS], unsigned int n,
				 const struct encap_origin *origin, const struct split *s)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < n; i++)
		if (!put_whole(d, &legs[i], origin, s, batch_headers(&d->batch, i)))
			legs[left++] = legs[i];
	return left;
}

/* Why a collector cannot get the copies: an errno. */
static int refusal(struct collector *c, bool captured, uint64_t now)
{
	if (!captured)
		return ENODATA;
	if (!c->queues)
		return EBADF;
	if (!c->usable)
		return ENETUNREACH;
	return collector_drops(c, now) ? EHOSTUNREACH : 0;
}

/* The flow's collector in a group. False: it gets no copies, and as many are counted. */
static bool choose(struct deliverer *d, struct group *g, uint32_t hash, bool captured, uint32_t copies,
		   struct leg *leg)
{
	struct collector *c = group_choose(g, hash);
	int error;

	if (!c) {
		count(&d->shared->sent[SENT_NO_COLLECTOR], copies);
		return false;
	}
	if (hash < c->counters->shed) {
		count(&d->shared->sent[SENT_SHED], copies);
		count(&c->counters->shed_copies, copies);
		return false;
	}
	error = refusal(c, captured, d->batch.now);
	if (error) {
		count_refused(d->shared, error, copies);
		count(&c->counters->refused, copies);
		return false;
	}
	*leg = (struct leg){ c, &c->queue[flow_port(hash, c->queues)] };
	return true;
}

/* Returns how many. */
static unsigned int find_legs(struct deliverer *d, const struct mirror_record *r, uint32_t hash,
			      bool captured, uint32_t copies, struct leg legs[MIRROR_MAX_LEGS])
{
	struct group *g = groups_find(&d->groups, r->group);
	unsigned int n = 0;

	if (!g)
		count(&d->shared->sent[SENT_NO_COLLECTOR], copies);
	for (int leg = 0; g && leg < MIRROR_MAX_LEGS; leg++, g = g->next)
		n += choose(d, g, hash, captured, copies, &legs[n]);
	return n;
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

/* Sets snaplen to the end of the headers, as segments have them, and the bytes more. */
static void trim(const struct mirror_record *r, struct split *s)
{
	if (r->flags & RECORD_FIND_HEADERS)
		s->in.snaplen += headers_size(&s->level[0]) + s->shift - RECORD_HEAD_SIZE;
	else
		s->in.snaplen -= s->cut;
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
		.segments = r->segments,
		.snaplen = r->snaplen,
		.zero = r->flags & RECORD_ZERO,
		.vlan_tci = r->vlan_tci,
		.vlan_proto = ntohs(r->vlan_proto),
		.l3 = r->flags & RECORD_L3,
		.received = !(r->flags & RECORD_EGRESS),
	};
	uint8_t header[SPLIT_HEADER_MAX];
	struct leg legs[MIRROR_MAX_LEGS];
	struct split_packet p;
	struct split s;
	unsigned int n;

	keep_order(d, r);
	split_begin(&s, &in);
	if (r->flags & RECORD_HEADERS)
		trim(r, &s);
	n = find_legs(d, r, hash_of(d, r, &s), captured, split_count(&s), legs);
	n = put_whole_to(d, legs, n, &origin, &s);
	while (n && split_next(&s, header, &p))
		for (unsigned int i = 0; i < n; i++)
			put(d, &legs[i], &origin, batch_headers(&d->batch, i), p);
}
