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
	struct flow_list young, proven; /* oldest activity first */
	struct flow_list waiting; /* with segments that wait for earlier ones */
	uint32_t count, slots;
	struct flow *slot[];
};

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
	TAILQ_INIT(&flows->young);
	TAILQ_INIT(&flows->proven);
	TAILQ_INIT(&flows->waiting);
	return flows;
}

static struct flow **slot_of(struct flows *flows, const struct flow_key *key)
{
	uint32_t words[sizeof(*key) / 4];
	uint64_t hash = flows->seed;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / 4; i++)
		hash = hash_mix(hash ^ words[i]);
	return &flows->slot[hash_share(hash, flows->slots)];
}

static struct flow *find(struct flows *flows, const struct flow_key *key)
{
	struct flow *flow = *slot_of(flows, key);

	while (flow && memcmp(&flow->key, key, sizeof(*key)))
		flow = flow->same_slot;
	return flow;
}

static struct flow_list *list_of(struct flows *flows, const struct flow *flow)
{
	return flow->proven ? &flows->proven : &flows->young;
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

static void on_data(void *context, const uint8_t *at, uint32_t len, bool boundary)
{
	struct work *work = context;
	struct flows *flows = work->flows;
	const struct requests_sink sink = { on_request, work };

	requests_data(&work->flow->requests, at, len, boundary, flows->options.request_max, flows->memory,
		      &sink);
}

static void on_gap(void *context, uint32_t len)
{
	struct work *work = context;

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
	TAILQ_REMOVE(list_of(flows, flow), flow, by_age);
	flow->seen_ns = now_ns;
	flow->proven = flow->requests.some && !flow->closed;
	TAILQ_INSERT_TAIL(list_of(flows, flow), flow, by_age);
}

static void close_flow(struct flows *flows, struct flow *flow)
{
	struct work work = { flows, flow };
	const struct stream_sink sink = { on_data, on_gap, &work };

	if (flow->closed)
		return;
	stream_end(&flow->stream, flows->memory, &sink);
	requests_end(&flow->requests, flows->memory);
	flows->sink.end(flows->sink.context, flow);
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
	TAILQ_REMOVE(&flows->young, flow, by_age);
	memory_give(flows->memory, flow, sizeof(*flow));
	flows->count--;
}

static struct flow *new_flow(struct flows *flows, const struct segment *segment, uint32_t rule,
			     uint64_t now_ns)
{
	struct flow *old = TAILQ_FIRST(&flows->young), *flow, **slot;
	bool syn = segment->flags & TH_SYN;

	if (flows->count == flows->options.max) {
		if (!old)
			old = TAILQ_FIRST(&flows->proven);
		if (old->proven && now_ns - old->seen_ns < IDLE_EVICTABLE)
			return NULL;
		if (!old->closed)
			tally(TALLY_FLOWS_EVICTED);
		remove_flow(flows, old);
	}
	flow = memory_take(flows->memory, sizeof(*flow));
	if (!flow)
		return NULL;
	*flow = (struct flow){ .key = segment->key, .rule = rule, .replayed = true, .syn = syn };
	flow->start = segment->seq + syn;
	flow->seen_ns = now_ns;
	tally(TALLY_FLOWS);
	if (!syn)
		tally(TALLY_FLOWS_MIDSTREAM);
	stream_begin(&flow->stream, flow->start);
	requests_begin(&flow->requests, !syn);
	flows->sink.begin(flows->sink.context, flow);
	slot = slot_of(flows, &flow->key);
	flow->same_slot = *slot;
	*slot = flow;
	TAILQ_INSERT_TAIL(&flows->young, flow, by_age);
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
	if (stream_complete(&flow->stream))
		close_flow(flows, flow);
	else
		set_waiting(flows, flow, flow->stream.held || flow->stream.fin);
}

void flows_segment(struct flows *flows, const struct segment *segment, uint32_t rule, uint64_t now_ns)
{
	struct flow *flow = find(flows, &segment->key);
	struct segment in = *segment;
	bool syn = segment->flags & TH_SYN;

	in.seq += syn; /* SYN takes a sequence number; it may carry data */
	/* ports reused for another connection; the same SYN again is a retransmission */
	if (flow && syn && (!flow->syn || flow->start != in.seq)) {
		remove_flow(flows, flow);
		flow = NULL;
	}
	if (!flow && (syn || segment->wire_len) && !(segment->flags & TH_RST)) {
		flow = new_flow(flows, segment, rule, now_ns);
		if (!flow)
			tally(TALLY_FLOWS_REFUSED);
	}
	if (!flow)
		return;
	if (flow->closed) {
		tally(TALLY_SEGMENTS_DUPLICATE);
		return;
	}
	if (flow->replayed && (in.wire_len || !syn) && !(segment->flags & TH_RST))
		push(flows, flow, &in, now_ns);
	else if (segment->flags & (TH_RST | TH_FIN))
		close_flow(flows, flow);
	touch(flows, flow, now_ns);
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

	for (flow = TAILQ_FIRST(&flows->waiting); flow; flow = next) {
		struct work work = { flows, flow };
		const struct stream_sink sink = { on_data, on_gap, &work };

		next = TAILQ_NEXT(flow, in_waiting);
		if (!stream_expire(&flow->stream, &flows->options.stream, flows->memory, now_ns, &sink))
			set_waiting(flows, flow, false);
		if (stream_complete(&flow->stream))
			close_flow(flows, flow);
	}
	expire_old(flows, &flows->young, now_ns);
	expire_old(flows, &flows->proven, now_ns);
}

void flows_free(struct flows *flows)
{
	struct flow *flow;

	while ((flow = TAILQ_FIRST(&flows->young)) || (flow = TAILQ_FIRST(&flows->proven)))
		remove_flow(flows, flow);
	free(flows);
}
