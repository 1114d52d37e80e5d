// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "hold.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../../common/clock.h"
#include "../host/names.h"
#include "../wire/connection.h"
#include "../wire/http.h"
#include "../wire/name.h"
#include "flow_table.h"
#include "rulesets.h"
#include "verdict.h"

#define BUCKETS_MIN 1024
#define FLOW_MEMORY 512 /* of --hold-memory, per bucket */
#define MALLOC_COST 16 /* of each allocation, beside its bytes */
/* The bytes in a batch that are not free again until it is sent. */
#define UNSENT_BYTES (256 << 10)

struct held {
	STAILQ_ENTRY(held) next;
	struct rules *rules; /* NULL: gone when it came */
	uint32_t captured;
	struct mirror_record record; /* and its data */
};
STAILQ_HEAD(held_list, held);

struct held_flow {
	uint64_t hash;
	SLIST_ENTRY(held_flow) in_bucket;
	TAILQ_ENTRY(held_flow) in_queue;
	struct held_list records;
	struct held *unread; /* the first one that the reader has not read */
	struct name_reader *reader; /* NULL: while embryonic */
	uint64_t since_ns; /* when it came into its queue */
	size_t bytes; /* of records and reader */
	uint32_t packets;
	uint16_t seen;
	struct connection connection;
	bool embryonic; /* no packet of an established connection was seen */
	bool tcp;
};
SLIST_HEAD(held_bucket, held_flow);
TAILQ_HEAD(held_queue, held_flow);

struct hold {
	const struct shared *shared;
	struct deliverer *delivery;
	struct rulesets rulesets;
	struct names *names;
	uint32_t names_generation;
	struct held_queue embryonic, open; /* oldest first */
	struct held_list unsent; /* in the batch */
	size_t bytes, unsent_bytes; /* bytes: of all, also of those in the batch */
	struct held_bucket *bucket;
	uint32_t buckets; /* a power of two */
	unsigned int threads; /* among which flows were divided when it was last looked at */
};

/* A packet as the parts of this file need it. */
struct packet {
	struct capture c;
	struct headers h;
	struct connection_packet tcp;
};

static void parse(const struct mirror_record *r, uint32_t captured, struct packet *p)
{
	*p = (struct packet){ .c = { r->data, captured, r->wire_len > captured ? r->wire_len : captured } };
	headers_parse(&p->c, r->flags & RECORD_L3, &p->h);
	p->tcp = connection_packet(&p->c, &p->h);
}

/*
 * The packets of a connection that is not established, as in a SYN flood or a port scan. Flows of which
 * nothing else was seen must neither drive out others nor fill the flow table.
 */
static bool is_handshake(const struct packet *p)
{
	return p->tcp.flags & (TH_SYN | TH_RST);
}

static bool is_request(const struct packet *p)
{
	uint32_t end = p->h.end < p->c.len ? p->h.end : p->c.len;

	return p->h.proto == IPPROTO_TCP && p->h.data && p->h.data < end &&
	       http_looks_like_request(p->c.at + p->h.data, end - p->h.data);
}

static void tally(struct hold *h, enum mirror_sent counter)
{
	count(&h->shared->sent[counter], 1);
}

/* ---- records ---- */

static size_t size_of(const struct held *held)
{
	return sizeof(*held) + held->captured + MALLOC_COST;
}

static void drop(struct hold *h, struct held *held)
{
	h->bytes -= size_of(held);
	rulesets_release(&h->rulesets, held->rules);
	free(held);
}

void hold_sent(struct hold *h)
{
	struct held *held;

	while ((held = STAILQ_FIRST(&h->unsent))) {
		STAILQ_REMOVE_HEAD(&h->unsent, next);
		drop(h, held);
	}
	h->unsent_bytes = 0;
}

static void send_now(struct hold *h)
{
	batch_send(&h->delivery->batch);
	hold_sent(h);
}

/* Whether a record's filters want a copy, now that the class of its flow is known; completes it. */
static bool is_wanted(struct hold *h, struct held *held, enum mirror_class class)
{
	int filter = held->rules ? rules_decide(held->rules, h->shared, held->record.candidates, class) :
				   -ESTALE;

	if (filter == -ESTALE) {
		tally(h, SENT_HELD_STALE);
		return false;
	}
	if (filter >= 0 &&
	    verdict_apply(h->shared, &held->rules->verdict[filter], filter, &held->record, held->captured))
		return true;
	tally(h, SENT_HELD_DROPPED);
	return false;
}

/* Delivers a record of a flow of this class, or drops it. */
static void release(struct hold *h, struct held *held, enum mirror_class class)
{
	if (!is_wanted(h, held, class)) {
		drop(h, held);
		return;
	}
	deliver(h->delivery, &held->record, held->captured);
	STAILQ_INSERT_TAIL(&h->unsent, held, next);
	h->unsent_bytes += size_of(held);
	if (h->unsent_bytes > UNSENT_BYTES)
		send_now(h);
}

/* ---- flows ---- */

static struct held_bucket *bucket_of(const struct hold *h, uint64_t hash)
{
	return &h->bucket[(uint32_t)hash & (h->buckets - 1)];
}

static struct held_flow *find(const struct hold *h, uint64_t hash)
{
	struct held_flow *flow;

	SLIST_FOREACH(flow, bucket_of(h, hash), in_bucket)
	if (flow->hash == hash)
		break;
	return flow;
}

static struct held_queue *queue_of(struct hold *h, const struct held_flow *flow)
{
	return flow->embryonic ? &h->embryonic : &h->open;
}

static void enqueue(struct hold *h, struct held_flow *flow, uint64_t now)
{
	flow->since_ns = now;
	TAILQ_INSERT_TAIL(queue_of(h, flow), flow, in_queue);
}

static struct held_flow *flow_new(struct hold *h, uint64_t hash, const struct packet *p, uint64_t now)
{
	struct held_flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	flow->hash = hash;
	flow->tcp = p->h.proto == IPPROTO_TCP;
	flow->embryonic = is_handshake(p);
	flow->connection = connection_open(&p->tcp);
	STAILQ_INIT(&flow->records);
	SLIST_INSERT_HEAD(bucket_of(h, hash), flow, in_bucket);
	enqueue(h, flow, now);
	h->bytes += sizeof(*flow) + MALLOC_COST;
	h->shared->sent[SENT_UNDECIDED]++;
	return flow;
}

/* Without its records. */
static void forget(struct hold *h, struct held_flow *flow)
{
	if (flow->reader)
		h->bytes -= name_reader_bytes(flow->reader) + MALLOC_COST;
	name_reader_free(flow->reader);
	SLIST_REMOVE(bucket_of(h, flow->hash), flow, held_flow, in_bucket);
	TAILQ_REMOVE(queue_of(h, flow), flow, in_queue);
	h->bytes -= sizeof(*flow) + MALLOC_COST;
	h->shared->sent[SENT_UNDECIDED]--;
	free(flow);
}

/* Releases all records of the flow, in order. */
static void settle(struct hold *h, struct held_flow *flow, enum mirror_class class)
{
	struct held *held;

	while ((held = STAILQ_FIRST(&flow->records))) {
		STAILQ_REMOVE_HEAD(&flow->records, next);
		release(h, held, class);
	}
	forget(h, flow);
}

/* First the data path learns of it: what it copies from then on comes after these records. */
static void decide(struct hold *h, struct held_flow *flow, enum mirror_class class)
{
	flow_table_set_class(h->shared, flow->hash, class, flow->seen);
	settle(h, flow, class);
}

/* Its name may still come in a later request. */
static enum mirror_class class_given_up(const struct held_flow *flow)
{
	return flow->tcp ? CLASS_MIDDLE : CLASS_NONE;
}

static void lose(struct hold *h, struct held_flow *flow)
{
	struct held *held;

	while ((held = STAILQ_FIRST(&flow->records))) {
		STAILQ_REMOVE_HEAD(&flow->records, next);
		drop(h, held);
		tally(h, SENT_HELD_LOST);
	}
	forget(h, flow);
}

/* Drops the oldest flows until this many bytes more are within the limit. */
static void make_room(struct hold *h, size_t bytes)
{
	size_t memory = h->shared->settings->hold_memory / shared_threads(h->shared);
	struct held_flow *flow;

	while (h->bytes + bytes > memory) {
		flow = TAILQ_FIRST(&h->embryonic);
		if (!flow) {
			flow = TAILQ_FIRST(&h->open);
			if (!flow)
				return;
			flow_table_set_class(h->shared, flow->hash, class_given_up(flow), flow->seen);
		}
		tally(h, SENT_HOLD_FULL);
		lose(h, flow);
	}
}

/* ---- names ---- */

static enum mirror_class class_of(struct hold *h, const char *name)
{
	uint32_t now = __atomic_load_n(&h->shared->state->names_generation, __ATOMIC_ACQUIRE);
	struct names *names;

	if (h->shared->names && (!h->names || now != h->names_generation)) {
		names = names_index(h->shared->names);
		if (names) {
			free(h->names);
			h->names = names;
			h->names_generation = now;
		}
	}
	return h->names ? names_class(h->names, name) : CLASS_NONE;
}

static enum name_state read_name(struct hold *h, struct held_flow *flow, char name[NAME_SIZE])
{
	enum name_state state = NAME_UNDECIDED;
	size_t before = flow->reader ? name_reader_bytes(flow->reader) + MALLOC_COST : 0, after;
	struct packet p;

	flow->reader = flow->reader ?: name_reader_new();
	if (!flow->reader)
		return NAME_NONE;
	for (struct held *held = flow->unread; held && state == NAME_UNDECIDED;
	     held = STAILQ_NEXT(held, next)) {
		parse(&held->record, held->captured, &p);
		state = name_read(flow->reader, &p.c, &p.h, held->record.gso_size, p.tcp.direction, name);
	}
	flow->unread = NULL;
	after = name_reader_bytes(flow->reader) + MALLOC_COST;
	h->bytes += after - before;
	flow->bytes += after - before;
	return state;
}

static bool is_too_large(const struct hold *h, const struct held_flow *flow)
{
	return flow->bytes > h->shared->settings->hold_flow ||
	       flow->packets > h->shared->settings->hold_packets;
}

/* Decides about the flow if its newest packet lets us. */
static void examine(struct hold *h, struct held_flow *flow, const struct packet *p)
{
	char name[NAME_SIZE];

	switch (flow->embryonic ? NAME_UNDECIDED : read_name(h, flow, name)) {
	case NAME_FOUND:
		tally(h, SENT_NAMES_FOUND);
		decide(h, flow, class_of(h, name));
		return;
	case NAME_NONE:
		tally(h, SENT_NAMES_NONE);
		decide(h, flow, CLASS_NONE);
		return;
	case NAME_MIDDLE:
		tally(h, SENT_NAMES_NONE);
		decide(h, flow, CLASS_MIDDLE);
		return;
	case NAME_UNDECIDED:
		break;
	}
	if (connection_closes(&flow->connection, &p->tcp)) {
		tally(h, SENT_NAMES_NONE);
		if (flow->embryonic)
			settle(h, flow, CLASS_NONE);
		else
			decide(h, flow, CLASS_NONE);
	} else if (is_too_large(h, flow)) {
		tally(h, SENT_HOLD_FLOW_FULL);
		decide(h, flow, class_given_up(flow));
	}
}

/* ---- a record's way ---- */

/* A copy of the record. NULL: there is no memory for it. */
static struct held *keep(struct hold *h, const struct mirror_record *r, uint32_t captured)
{
	struct held *held = malloc(sizeof(*held) + captured);

	if (!held)
		return NULL;
	held->rules = rulesets_hold(&h->rulesets, r);
	held->captured = captured;
	memcpy(&held->record, r, sizeof(*r) + captured);
	h->bytes += size_of(held);
	return held;
}

/* An ICMP error belongs to the flow of the packet that it quotes. */
static uint64_t hash_of(struct hold *h, const struct mirror_record *r, const struct packet *p)
{
	if (is_icmp(p->h.proto))
		return flow_hash(&h->delivery->fragments, &p->c, &p->h, r->time_ns);
	return (uint64_t)r->tag << 32 | r->hash;
}

/*
 * The class of a packet whose flow is not held; CLASS_UNDECIDED: hold it. A new connection, or a request in
 * the middle of one, makes a decided flow undecided again: its next packets must come here, too.
 */
static enum mirror_class class_at_once(const struct hold *h, uint64_t hash, const struct mirror_record *r,
				       const struct packet *p)
{
	enum mirror_class class = flow_table_class(h->shared, hash);

	if (p->h.proto != IPPROTO_TCP && p->h.proto != IPPROTO_UDP)
		return class == CLASS_UNDECIDED ? CLASS_NONE : class;
	if (class == CLASS_UNDECIDED ||
	    !(connection_begins(&p->tcp) || (class == CLASS_MIDDLE && is_request(p))))
		return class;
	flow_table_set_class(h->shared, hash, CLASS_UNDECIDED, r->seen);
	return CLASS_UNDECIDED;
}

static void append(struct hold *h, struct held_flow *flow, struct held *held, const struct packet *p)
{
	STAILQ_INSERT_TAIL(&flow->records, held, next);
	flow->unread = flow->unread ?: held;
	flow->bytes += size_of(held);
	flow->packets++;
	flow->seen = held->record.seen;
	if (!flow->embryonic || is_icmp(p->h.proto) || is_handshake(p))
		return;
	TAILQ_REMOVE(&h->embryonic, flow, in_queue);
	flow->embryonic = false;
	enqueue(h, flow, held->record.time_ns);
}

void hold_record(struct hold *h, const struct mirror_record *r, uint32_t captured)
{
	enum mirror_class class = CLASS_UNDECIDED;
	struct held_flow *flow;
	struct packet p;
	struct held *held;
	uint64_t hash;

	make_room(h, sizeof(*held) + captured + sizeof(*flow) + 2 * MALLOC_COST);
	held = keep(h, r, captured);
	if (!held) {
		tally(h, SENT_HELD_LOST);
		return;
	}
	parse(r, captured, &p);
	hash = hash_of(h, r, &p);
	flow = find(h, hash);
	if (flow && connection_is_another(&flow->connection, &p.tcp)) {
		settle(h, flow, CLASS_NONE);
		flow = NULL;
	}
	if (!flow)
		class = class_at_once(h, hash, r, &p);
	if (!flow && class == CLASS_UNDECIDED)
		flow = flow_new(h, hash, &p, r->time_ns);
	if (!flow) {
		release(h, held, class);
		return;
	}
	append(h, flow, held, &p);
	examine(h, flow, &p);
	make_room(h, 0); /* the reader may have grown */
}

void hold_expire(struct hold *h, uint64_t now)
{
	uint64_t patience = h->shared->settings->hold_time * SECOND_NS;
	struct held_flow *flow;

	while ((flow = TAILQ_FIRST(&h->embryonic)) && flow->since_ns + patience < now) {
		tally(h, SENT_HOLD_TIMEOUT);
		settle(h, flow, CLASS_NONE);
	}
	while ((flow = TAILQ_FIRST(&h->open)) && flow->since_ns + patience < now) {
		tally(h, SENT_HOLD_TIMEOUT);
		decide(h, flow, class_given_up(flow));
	}
	if (h->unsent_bytes)
		send_now(h);
}

static void keep_own(struct hold *h, struct held_queue *queue)
{
	struct held_flow *flow = TAILQ_FIRST(queue), *next;

	for (; flow; flow = next) {
		next = TAILQ_NEXT(flow, in_queue);
		if (flow->hash % h->threads != h->shared->thread)
			lose(h, flow);
	}
}

void hold_keep_own(struct hold *h)
{
	unsigned int threads = shared_threads(h->shared);

	if (threads == h->threads)
		return;
	h->threads = threads;
	keep_own(h, &h->embryonic);
	keep_own(h, &h->open);
}

void hold_end(struct hold *h)
{
	struct held_flow *flow;

	while ((flow = TAILQ_FIRST(&h->embryonic)) || (flow = TAILQ_FIRST(&h->open)))
		lose(h, flow); /* NOLINT(clang-analyzer-unix.Malloc): this removes the first one */
}

size_t hold_bytes(const struct hold *h)
{
	return h->bytes;
}

/* A later change of --hold-memory makes buckets longer or shorter, that is all. */
static uint32_t buckets_for(uint64_t memory)
{
	uint32_t n = BUCKETS_MIN;

	while (n < memory / FLOW_MEMORY && n < UINT32_MAX / 2)
		n *= 2;
	return n;
}

struct hold *hold_new(const struct shared *shared, struct deliverer *delivery)
{
	struct hold *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->shared = h->rulesets.shared = shared;
	h->delivery = delivery;
	h->threads = shared_threads(shared);
	TAILQ_INIT(&h->embryonic);
	TAILQ_INIT(&h->open);
	STAILQ_INIT(&h->unsent);
	shared->sent[SENT_UNDECIDED] = 0;
	h->buckets = buckets_for(shared->settings->hold_memory);
	h->bucket = calloc(h->buckets, sizeof(*h->bucket));
	if (h->bucket)
		return h;
	free(h);
	return NULL;
}

void hold_free(struct hold *h)
{
	hold_end(h);
	hold_sent(h);
	for (uint32_t i = 0; i < MIRROR_MAX_RULESETS * MIRROR_BANKS; i++)
		rulesets_release(&h->rulesets, h->rulesets.last[i / MIRROR_BANKS][i % MIRROR_BANKS]);
	free(h->names);
	free(h->bucket);
	free(h);
}
