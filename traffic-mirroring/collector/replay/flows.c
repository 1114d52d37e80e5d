/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "flows.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../../../common/clock.h"
#include "../../abi/flow_hash.h"
#include "../counters/tally.h"

#define IDLE (300 * SECOND_NS)
#define IDLE_EVICTABLE (60 * SECOND_NS) /* evictable even with requests, if the table is full */

TAILQ_HEAD(flow_list, flow);

struct flows {
	struct flows_options options;
	struct flows_sink sink;
	struct memory *memory;
	uint64_t seed;
	struct flow_list rank[FLOW_RANKS]; /* oldest activity first */
	struct flow_list waiting; /* with segments that wait for earlier ones */
	struct flow *kept; /* is being worked on: not to be evicted */
	uint32_t count, slots;
	struct flow *slot[];
};

static struct flow **slot_of(struct flows *flows, const struct flow_key *key)
{
	return &flows->slot[hash_share(flow_key_hash(key, flows->seed), flows->slots)];
}

static struct flow *find(struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = *slot_of(flows, key);

	while (flow && memcmp(&flow->key, key, sizeof(*key)))
		flow = flow->same_slot;
	return flow;
}

static enum flow_rank rank_of(const struct flow *flow)
{
	if (flow->closed || !flow->data)
		return FLOW_BARE;
	return (flow->raw ? !flow->cut : flow->requests.some) ? FLOW_PROVEN : FLOW_BEGUN;
}

/* The context of the stream's and the requests' sinks. */
struct work {
	struct flows *flows;
	struct flow *flow;
};

static void on_request(void *context, const struct http_request *request)
{
	struct work *work = context;

	work->flows->sink.request(work->flows->sink.context, work->flow, request);
}

static void pass_on(struct flows *flows, struct flow *flow, const uint8_t *at, uint32_t len)
{
	if (flow->cut) {
		tally_add(TALLY_BYTES_SKIPPED, len);
		return;
	}
	tally_add(TALLY_BYTES_TCP, len);
	flows->sink.data(flows->sink.context, flow, at, len);
	flow->begun = true;
}

/* What comes after missing bytes would be taken for what comes next. */
static void cut_at_gap(struct flows *flows, struct flow *flow, uint32_t len)
{
	tally(TALLY_GAPS);
	tally_add(TALLY_BYTES_MISSING, len);
	if (flow->cut)
		return;
	tally(TALLY_STREAMS_GAP);
	flows->sink.end(flows->sink.context, flow, false);
	flow->cut = true;
}

static void on_data(void *context, const uint8_t *at, uint32_t len, bool boundary)
{
	struct work *work = context;
	struct flows *flows = work->flows;
	const struct requests_sink sink = { on_request, work };

	if (work->flow->raw)
		pass_on(flows, work->flow, at, len);
	else
		requests_data(&work->flow->requests, at, len, boundary, flows->options.request_max,
			      flows->memory, &sink);
}

static void on_gap(void *context, uint32_t len)
{
	struct work *work = context;

	if (work->flow->raw)
		cut_at_gap(work->flows, work->flow, len);
	else
		requests_gap(&work->flow->requests, len, work->flows->memory);
}

static void set_waiting(struct flows *flows, struct flow *flow, bool waiting)
{
	if (waiting && !flow->waiting)
		TAILQ_INSERT_TAIL(&flows->waiting, flow, in_waiting);
	else if (!waiting && flow->waiting)
		TAILQ_REMOVE(&flows->waiting, flow, in_waiting);
	flow->waiting = waiting;
}

/* Moves the flow to the newest end of its list, which may have changed. */
static void touch(struct flows *flows, struct flow *flow, uint64_t now_ns)
{
	TAILQ_REMOVE(&flows->rank[flow->rank], flow, by_age);
	flow->seen_ns = now_ns;
	flow->rank = rank_of(flow);
	TAILQ_INSERT_TAIL(&flows->rank[flow->rank], flow, by_age);
}

static void close_flow(struct flows *flows, struct flow *flow)
{
	struct work work = { flows, flow };
	const struct stream_sink sink = { on_data, on_gap, &work };

	if (flow->closed)
		return;
	stream_end(&flow->stream, flows->memory, &sink);
	requests_end(&flow->requests, flows->memory);
	if (!flow->cut)
		flows->sink.end(flows->sink.context, flow, stream_complete(&flow->stream));
	set_waiting(flows, flow, false);
	flow->closed = true;
	touch(flows, flow, flow->seen_ns);
}

static void remove_flow(struct flows *flows, struct flow *flow)
{
	struct flow **at = slot_of(flows, &flow->key);

	close_flow(flows, flow);
	while (*at != flow)
		at = &(*at)->same_slot;
	*at = flow->same_slot;
	TAILQ_REMOVE(&flows->rank[flow->rank], flow, by_age);
	memory_give(flows->memory, flow, sizeof(*flow));
	flows->count--;
}

/* Makes room by the flow that is missed least; it may be below a rank. */
static bool evict(struct flows *flows, enum flow_rank below)
{
	struct flow *old = NULL;

	for (enum flow_rank rank = 0; rank < below && !old; rank++) {
		old = TAILQ_FIRST(&flows->rank[rank]);
		if (old && old == flows->kept)
			old = TAILQ_NEXT(old, by_age);
	}
	if (!old)
		return false;
	if (!old->closed)
		tally(TALLY_FLOWS_EVICTED);
	remove_flow(flows, old);
	return true;
}

static bool reclaim(void *flows)
{
	return evict(flows, FLOW_PROVEN);
}

struct flows *flows_new(const struct flows_options *options, struct memory *memory,
			const struct flows_sink *sink)
{
	struct flows *flows = calloc(1, sizeof(*flows) + options->max * sizeof(struct flow *));

	if (!flows)
		return NULL;
	flows->options = *options;
	flows->sink = *sink;
	flows->memory = memory;
	flows->slots = options->max;
	/* against flows crafted to share a slot; without it all works, too */
	(void)!getrandom(&flows->seed, sizeof(flows->seed), 0);
	for (int rank = 0; rank < FLOW_RANKS; rank++)
		TAILQ_INIT(&flows->rank[rank]);
	TAILQ_INIT(&flows->waiting);
	memory->reclaim = reclaim;
	memory->context = flows;
	return flows;
}

/* Room in the table: proven flows give way only when they are idle. */
static bool make_room(struct flows *flows, uint64_t now_ns)
{
	const struct flow *oldest = TAILQ_FIRST(&flows->rank[FLOW_PROVEN]);
	bool idle = oldest && now_ns - oldest->seen_ns >= IDLE_EVICTABLE;

	return flows->count < flows->options.max || evict(flows, idle ? FLOW_RANKS : FLOW_PROVEN);
}

/* begins: the segment is the first one. */
static struct flow *new_flow(struct flows *flows, const struct segment *segment, uint32_t rule, bool begins,
			     uint64_t now_ns)
{
	struct flow *flow, **slot;

	if (!make_room(flows, now_ns))
		return NULL;
	flow = memory_take(flows->memory, sizeof(*flow));
	if (!flow)
		return NULL;
	*flow = (struct flow){
		.key = segment->key,
		.rule = rule,
		.replayed = true,
		.syn = begins,
		.start = segment->seq,
		.seen_ns = now_ns,
	};
	tally(TALLY_FLOWS);
	if (!begins)
		tally(TALLY_FLOWS_MIDSTREAM);
	stream_begin(&flow->stream, flow->start);
	requests_begin(&flow->requests, !begins);
	flows->sink.begin(flows->sink.context, flow);
	flow->cut = flow->raw && !begins;
	slot = slot_of(flows, &flow->key);
	flow->same_slot = *slot;
	*slot = flow;
	TAILQ_INSERT_TAIL(&flows->rank[FLOW_BARE], flow, by_age);
	flows->count++;
	return flow;
}

static void push(struct flows *flows, struct flow *flow, const struct segment *segment, uint64_t now_ns)
{
	static const enum tally tallies[] = {
		[STREAM_TAKEN] = TALLY_SEGMENTS,
		[STREAM_HELD] = TALLY_SEGMENTS_REORDERED,
		[STREAM_DUPLICATE] = TALLY_SEGMENTS_DUPLICATE,
		[STREAM_OUTSIDE] = TALLY_SEGMENTS_OUTSIDE,
		[STREAM_NO_MEMORY] = TALLY_SEGMENTS_MEMORY,
	};
	struct work work = { flows, flow };
	const struct stream_sink sink = { on_data, on_gap, &work };
	enum stream_result result =
		stream_push(&flow->stream, segment, &flows->options.stream, flows->memory, now_ns, &sink);

	if (result != STREAM_TAKEN)
		tally(tallies[result]);
	if (result == STREAM_OUTSIDE)
		tally_add(TALLY_BYTES_SKIPPED, segment->wire_len);
	flow->data |= segment->len && result != STREAM_OUTSIDE;
	if (stream_complete(&flow->stream))
		close_flow(flows, flow);
	else
		set_waiting(flows, flow, flow->stream.count || flow->stream.fin);
}

/*
 * Whether a segment belongs to another connection on the same ports. A SYN within an open one may be forged
 * (RFC 5961 4): it counts when the data comes that it announces.
 */
static bool begins_anew(struct flow *flow, const struct segment *segment)
{
	bool other = !flow->syn || flow->start != segment->seq;

	if (flow->closed && segment->flags & TH_SYN)
		return other;
	if (flow->closed)
		return segment->wire_len && !stream_had(&flow->stream, flow->start, segment);
	if (segment->flags & TH_SYN && other) {
		flow->renewed = true;
		flow->renewed_start = segment->seq;
		return false;
	}
	return flow->renewed && segment->wire_len && segment->seq == flow->renewed_start;
}

static void take(struct flows *flows, struct flow *flow, const struct segment *segment, uint64_t now_ns)
{
	bool syn = segment->flags & TH_SYN;

	if (flow->closed) {
		tally(TALLY_SEGMENTS_DUPLICATE);
		return;
	}
	if (!flow->replayed) {
		if (segment->flags & (TH_RST | TH_FIN))
			close_flow(flows, flow);
	} else if (syn ? segment->seq != flow->start :
			 segment->flags & TH_RST && !stream_ends_at(&flow->stream, segment->seq)) {
		tally(TALLY_SEGMENTS_OUTSIDE);
		tally_add(TALLY_BYTES_SKIPPED, segment->wire_len);
		return;
	} else if (segment->flags & TH_RST) {
		close_flow(flows, flow);
	} else if (segment->wire_len || !syn) {
		push(flows, flow, segment, now_ns);
	}
	touch(flows, flow, now_ns);
}

void flows_segment(struct flows *flows, const struct segment *segment, uint32_t rule, uint64_t now_ns)
{
	struct flow *flow = find(flows, &segment->key);
	bool begins = segment->flags & TH_SYN;
	struct segment in = *segment;

	in.seq += begins; /* SYN takes a sequence number; it may carry data */
	if (flow && begins_anew(flow, &in)) {
		begins |= flow->renewed;
		remove_flow(flows, flow);
		flow = NULL;
	}
	if (!flow && (begins || in.wire_len) && !(in.flags & TH_RST)) {
		flow = new_flow(flows, &in, rule, begins, now_ns);
		if (!flow) {
			tally(TALLY_FLOWS_REFUSED);
			tally_add(TALLY_BYTES_SKIPPED, in.wire_len);
		}
	}
	if (!flow)
		return;
	flows->kept = flow;
	take(flows, flow, &in, now_ns);
	flows->kept = NULL;
}

static void expire_old(struct flows *flows, struct flow_list *list, uint64_t now_ns)
{
	struct flow *flow;

	while ((flow = TAILQ_FIRST(list)) && now_ns - flow->seen_ns >= IDLE)
		remove_flow(flows, flow);
}

void flows_expire(struct flows *flows, uint64_t now_ns)
{
	struct flow *flow, *next;

	flows->memory->reclaim = NULL; /* it would take flows out of the list at hand */
	for (flow = TAILQ_FIRST(&flows->waiting); flow; flow = next) {
		struct work work = { flows, flow };
		const struct stream_sink sink = { on_data, on_gap, &work };

		next = TAILQ_NEXT(flow, in_waiting);
		if (!stream_expire(&flow->stream, &flows->options.stream, flows->memory, now_ns, &sink))
			set_waiting(flows, flow, false);
		if (stream_complete(&flow->stream))
			close_flow(flows, flow);
	}
	flows->memory->reclaim = reclaim;
	for (int rank = 0; rank < FLOW_RANKS; rank++)
		expire_old(flows, &flows->rank[rank], now_ns);
}

void flows_free(struct flows *flows)
{
	struct flow *flow;

	for (int rank = FLOW_RANKS - 1; rank >= 0; rank--)
		while ((flow = TAILQ_FIRST(&flows->rank[rank])))
			remove_flow(flows, flow);
	flows->memory->reclaim = NULL;
	free(flows);
}
