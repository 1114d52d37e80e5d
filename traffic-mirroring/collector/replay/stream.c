/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "stream.h"

#include <netinet/tcp.h>
#include <string.h>

/* More than a peer's window is in practice. RFC 7323 allows 1 GiB, a quarter of all guesses. */
#define WINDOW_MAX (64 << 20)

/* A "100 Continue" alone is not a response: a body follows it. */
#define CONTINUE_LEN 25

struct stream_chunk {
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

static struct stream_chunk *first_held(const struct stream *s)
{
	return s->count ? s->held[s->first] : NULL;
}

static void drop_first(struct stream *s, struct memory *memory)
{
	struct stream_chunk *chunk = s->held[s->first++];

	s->held_bytes -= chunk_size(chunk->len);
	memory_give(memory, chunk, chunk_size(chunk->len));
	if (--s->count)
		return;
	memory_give(memory, s->held, s->room * sizeof(struct stream_chunk *));
	s->held = NULL;
	s->first = s->room = 0;
}

/* Delivers held segments that are in order now. */
static void drain(struct stream *s, struct memory *memory, const struct stream_sink *sink)
{
	const struct stream_chunk *chunk;

	while ((chunk = first_held(s)) && !before(s->next, chunk->seq)) {
		give(s, chunk->bytes, chunk->seq, chunk->len, chunk->boundary, sink);
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
	skip_to(s, first_held(s)->seq, sink);
	drain(s, memory, sink);
}

/* How many held chunks begin before or with seq. */
static uint32_t place(const struct stream *s, uint32_t seq)
{
	uint32_t low = 0, high = s->count;

	/* most segments come after all others */
	if (high && !before(seq, s->held[s->first + high - 1]->seq))
		return high;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (before(seq, s->held[s->first + middle]->seq))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Room for one more chunk at the end of the array. */
static bool reserve(struct stream *s, struct memory *memory)
{
	uint32_t room = s->room ? 2 * s->room : 16;
	struct stream_chunk **held;

	if (s->first + s->count < s->room)
		return true;
	if (s->first > s->room / 2) {
		memmove(s->held, s->held + s->first, s->count * sizeof(struct stream_chunk *));
		s->first = 0;
		return true;
	}
	held = memory_take(memory, room * sizeof(struct stream_chunk *));
	if (!held)
		return false;
	if (s->count)
		memcpy(held, s->held + s->first, s->count * sizeof(struct stream_chunk *));
	memory_give(memory, s->held, s->room * sizeof(struct stream_chunk *));
	s->held = held;
	s->first = 0;
	s->room = room;
	return true;
}

static enum stream_result hold(struct stream *s, const struct segment *segment, bool boundary,
			       struct memory *memory, uint64_t now_ns)
{
	uint32_t at = place(s, segment->seq);
	const struct stream_chunk *earlier = at ? s->held[s->first + at - 1] : NULL;
	struct stream_chunk *chunk;

	if (earlier && !before(earlier->seq + earlier->len, segment->seq + segment->len))
		return STREAM_DUPLICATE;
	chunk = reserve(s, memory) ? memory_take(memory, chunk_size(segment->len)) : NULL;
	if (!chunk)
		return STREAM_NO_MEMORY;
	chunk->seq = segment->seq;
	chunk->len = segment->len;
	chunk->time_ns = now_ns;
	chunk->boundary = boundary;
	memcpy(chunk->bytes, segment->payload, segment->len);
	memmove(s->held + s->first + at + 1, s->held + s->first + at,
		(s->count - at) * sizeof(struct stream_chunk *));
	s->held[s->first + at] = chunk;
	s->count++;
	s->held_bytes += chunk_size(segment->len);
	return STREAM_HELD;
}

static bool within(uint32_t a, uint32_t b)
{
	return a - b + WINDOW_MAX <= 2U * WINDOW_MAX;
}

/* RFC 9293 3.10.7.4 and RFC 5961 5, with a guess in place of the windows, which are not known. */
static bool plausible(const struct stream *s, const struct segment *segment)
{
	if (segment->seq == s->next || (s->edge_known && segment->seq == s->edge))
		return true;
	return within(segment->seq, s->next) && (!s->edge_known || within(segment->ack, s->ack));
}

static void note_fin(struct stream *s, const struct segment *segment, uint64_t now_ns)
{
	uint32_t end = segment->seq + segment->wire_len;

	if (!(segment->flags & TH_FIN) || s->fin || before(end, s->edge))
		return;
	s->fin = true;
	s->fin_seq = end;
	s->fin_ns = now_ns;
}

enum stream_result stream_push(struct stream *s, const struct segment *segment,
			       const struct stream_limits *limits, struct memory *memory, uint64_t now_ns,
			       const struct stream_sink *sink)
{
	enum stream_result result = STREAM_TAKEN;
	bool boundary;

	if (!plausible(s, segment))
		return STREAM_OUTSIDE;
	if (!s->edge_known || before(s->ack, segment->ack))
		s->ack = segment->ack;
	boundary = note_edge(s, segment);
	note_fin(s, segment, now_ns);
	if (!segment->len)
		return STREAM_TAKEN;
	if (!before(s->next, segment->seq + segment->len))
		return STREAM_DUPLICATE;
	if (!before(s->next, segment->seq))
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
	while (s->count && now_ns - first_held(s)->time_ns >= limits->time_ns)
		skip_gap(s, memory, sink);
	if (!s->count && s->fin && before(s->next, s->fin_seq) && now_ns - s->fin_ns >= limits->time_ns)
		skip_to(s, s->fin_seq, sink);
	return s->count || (s->fin && !stream_complete(s));
}

bool stream_ends_at(const struct stream *s, uint32_t seq)
{
	return seq == s->next || (s->edge_known && seq == s->edge);
}

bool stream_had(const struct stream *s, uint32_t start, const struct segment *segment)
{
	return !before(segment->seq, start) && !before(s->next, segment->seq + segment->wire_len);
}

bool stream_complete(const struct stream *s)
{
	return s->fin && !before(s->next, s->fin_seq);
}

void stream_end(struct stream *s, struct memory *memory, const struct stream_sink *sink)
{
	while (s->count)
		skip_gap(s, memory, sink);
	if (s->edge_known && before(s->next, s->edge))
		skip_to(s, s->edge, sink);
}
