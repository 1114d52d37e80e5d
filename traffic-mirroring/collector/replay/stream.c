/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "stream.h"

#include <netinet/tcp.h>
#include <string.h>

#define WINDOW_MAX (1U << 30) /* RFC 7323 */

/* A "100 Continue" alone is not a response: a body follows it. */
#define CONTINUE_LEN 25

struct stream_chunk {
	struct stream_chunk *next;
	uint64_t time_ns;
	uint32_t seq, len;
	bool boundary;
	uint8_t bytes[];
};

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t chunk_size(uint32_t len)
{
	return sizeof(struct stream_chunk) + len;
}

void stream_begin(struct stream *s, uint32_t next)
{
	*s = (struct stream){ .next = next };
}

/* Returns whether the segment's first byte follows a response, and notes how far the sender is. */
static bool note_edge(struct stream *s, const struct segment *segment)
{
	uint32_t end = segment->seq + segment->wire_len;
	bool boundary = s->edge_known && segment->len && segment->seq == s->edge &&
			before(s->edge_ack + CONTINUE_LEN, segment->ack);

	if (!s->edge_known || before(s->edge, end)) {
		s->edge = end;
		s->edge_ack = segment->ack;
		s->edge_known = true;
	} else if (end == s->edge && before(segment->ack, s->edge_ack)) {
		s->edge_ack = segment->ack;
	}
	return boundary;
}

static void give(struct stream *s, const uint8_t *at, uint32_t seq, uint32_t len, bool boundary,
		 const struct stream_sink *sink)
{
	uint32_t old = s->next - seq;

	if (!before(s->next, seq + len))
		return;
	s->next = seq + len;
	sink->data(sink->context, at + old, len - old, boundary && !old);
}

static void drop_first(struct stream *s, struct memory *memory)
{
	struct stream_chunk *chunk = s->held;

	s->held = chunk->next;
	if (!s->held)
		s->held_last = NULL;
	s->held_bytes -= chunk_size(chunk->len);
	memory_give(memory, chunk, chunk_size(chunk->len));
}

/* Delivers held segments that are in order now. */
static void drain(struct stream *s, struct memory *memory, const struct stream_sink *sink)
{
	while (s->held && !before(s->next, s->held->seq)) {
		give(s, s->held->bytes, s->held->seq, s->held->len, s->held->boundary, sink);
		drop_first(s, memory);
	}
}

static void skip_to(struct stream *s, uint32_t seq, const struct stream_sink *sink)
{
	uint32_t missing = seq - s->next;

	s->next = seq;
	sink->gap(sink->context, missing);
}

static void skip_gap(struct stream *s, struct memory *memory, const struct stream_sink *sink)
{
	skip_to(s, s->held->seq, sink);
	drain(s, memory, sink);
}

/* The chunk that a segment follows; NULL: it is the first. */
static struct stream_chunk *place(const struct stream *s, uint32_t seq)
{
	struct stream_chunk *at = NULL;

	if (s->held_last && !before(seq, s->held_last->seq))
		return s->held_last;
	for (struct stream_chunk *c = s->held; c && !before(seq, c->seq); c = c->next)
		at = c;
	return at;
}

static enum stream_result hold(struct stream *s, const struct segment *segment, bool boundary,
			       struct memory *memory, uint64_t now_ns)
{
	struct stream_chunk *after = place(s, segment->seq), *chunk;

	if (after && !before(after->seq + after->len, segment->seq + segment->len))
		return STREAM_DUPLICATE;
	chunk = memory_take(memory, chunk_size(segment->len));
	if (!chunk)
		return STREAM_NO_MEMORY;
	chunk->seq = segment->seq;
	chunk->len = segment->len;
	chunk->time_ns = now_ns;
	chunk->boundary = boundary;
	memcpy(chunk->bytes, segment->payload, segment->len);
	chunk->next = after ? after->next : s->held;
	*(after ? &after->next : &s->held) = chunk;
	if (!chunk->next)
		s->held_last = chunk;
	s->held_bytes += chunk_size(segment->len);
	return STREAM_HELD;
}

enum stream_result stream_push(struct stream *s, const struct segment *segment,
			       const struct stream_limits *limits, struct memory *memory, uint64_t now_ns,
			       const struct stream_sink *sink)
{
	enum stream_result result = STREAM_TAKEN;
	int32_t distance = segment->seq - s->next;
	bool boundary;

	if (distance > (int32_t)WINDOW_MAX || distance < -(int32_t)WINDOW_MAX)
		return STREAM_OUTSIDE;
	boundary = note_edge(s, segment);
	if (segment->flags & TH_FIN && !s->fin) {
		s->fin = true;
		s->fin_seq = segment->seq + segment->wire_len;
		s->fin_ns = now_ns;
	}
	if (!segment->len)
		return STREAM_TAKEN;
	if (!before(s->next, segment->seq + segment->len))
		return STREAM_DUPLICATE;
	if (distance <= 0)
		give(s, segment->payload, segment->seq, segment->len, boundary, sink);
	else
		result = hold(s, segment, boundary, memory, now_ns);
	drain(s, memory, sink);
	while (s->held_bytes > limits->bytes)
		skip_gap(s, memory, sink);
	return result;
}

bool stream_expire(struct stream *s, const struct stream_limits *limits, struct memory *memory,
		   uint64_t now_ns, const struct stream_sink *sink)
{
	while (s->held && now_ns - s->held->time_ns >= limits->time_ns)
		skip_gap(s, memory, sink);
	if (!s->held && s->fin && before(s->next, s->fin_seq) && now_ns - s->fin_ns >= limits->time_ns)
		skip_to(s, s->fin_seq, sink);
	return s->held || (s->fin && !stream_complete(s));
}

bool stream_complete(const struct stream *s)
{
	return s->fin && !before(s->next, s->fin_seq);
}

void stream_end(struct stream *s, struct memory *memory, const struct stream_sink *sink)
{
	while (s->held)
		skip_gap(s, memory, sink);
	if (s->edge_known && before(s->next, s->edge))
		skip_to(s, s->edge, sink);
}
