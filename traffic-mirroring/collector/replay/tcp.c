/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "../../../common/clock.h"
#include "../counters/tally.h"

#define SEND_TURN 64 /* chunks of a connection, before the others' turn */
#define RETRY (SECOND_NS / 2)
#define LOADED (1U << 20) /* bytes at a time are enough for a target */

struct chunk {
	STAILQ_ENTRY(chunk) next;
	uint32_t len;
	uint64_t arrived_ns;
	uint8_t bytes[];
};

enum tcp_end { TCP_GOES_ON, TCP_WHOLE, TCP_BROKEN };

struct tcp_stream {
	TAILQ_ENTRY(tcp_stream) in_target;
	struct tcp_target *target;
	struct link link;
	STAILQ_HEAD(, chunk) queue;
	uint32_t queued; /* bytes */
	uint32_t sent; /* bytes of the first chunk */
	bool some; /* a byte was sent: there is no other try */
	bool over; /* it is not continued */
	bool counted; /* why the target did not get all of it */
	enum tcp_end end;
	uint64_t tried_ns, end_ns;
};

TAILQ_HEAD(stream_list, tcp_stream);

struct tcp_target {
	struct link_target link;
	uint64_t max_age_ns;
	struct memory memory;
	struct stream_list streams;
	size_t queued; /* bytes, of all streams */
};

struct tcp_target *tcp_new(const struct target_options *options)
{
	struct tcp_target *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->link = options->link;
	t->max_age_ns = options->max_age_ns;
	t->memory.limit = options->memory;
	TAILQ_INIT(&t->streams);
	return t;
}

static void drop_first(struct tcp_stream *s)
{
	struct chunk *chunk = STAILQ_FIRST(&s->queue);

	STAILQ_REMOVE_HEAD(&s->queue, next);
	s->queued -= chunk->len;
	s->target->queued -= chunk->len;
	s->sent = 0;
	memory_give(&s->target->memory, chunk, sizeof(*chunk) + chunk->len);
}

/* No byte goes to the target any more. */
static void stop(struct tcp_stream *s)
{
	tally_add(TALLY_TCP_UNSENT, s->queued - s->sent);
	while (!STAILQ_EMPTY(&s->queue))
		drop_first(s);
	s->over = true;
}

static void count(struct tcp_stream *s, enum tally why)
{
	if (!s->counted)
		tally(why);
	s->counted = true;
}

static void give_up(struct tcp_stream *s, enum tally why, uint64_t now_ns)
{
	count(s, why);
	link_reset(&s->link, now_ns);
	stop(s);
}

/* Where it fails, tcp_expire() tries again. */
static void connect_again(struct tcp_stream *s, uint64_t now_ns)
{
	s->tried_ns = now_ns;
	link_open(&s->link, now_ns);
}

/* The target has closed the connection. It may do so when it has got all, or while it starts. */
static void closed(struct tcp_stream *s, bool cleanly, uint64_t now_ns)
{
	bool all = STAILQ_EMPTY(&s->queue);

	if (all && (cleanly || s->end == TCP_WHOLE)) {
		link_close(&s->link, now_ns);
		stop(s);
	} else if (s->some) {
		give_up(s, TALLY_STREAMS_LOST, now_ns);
	} else {
		link_close(&s->link, now_ns);
	}
}

/* What is left then, epoll says again. */
static void read_away(struct tcp_stream *s, uint64_t now_ns)
{
	static uint8_t bytes[65536];
	ssize_t n = link_receive(&s->link, bytes, sizeof(bytes));

	if (n <= 0 && n != -EAGAIN)
		closed(s, !n, now_ns);
}

static void send_more(struct tcp_stream *s, uint64_t now_ns)
{
	const struct chunk *chunk;
	ssize_t n;

	for (int turn = 0; turn < SEND_TURN && (chunk = STAILQ_FIRST(&s->queue)); turn++) {
		n = link_send(&s->link, chunk->bytes + s->sent, chunk->len - s->sent);
		if (n < 0) {
			if (n != -EAGAIN)
				closed(s, false, now_ns);
			return;
		}
		tally_add(TALLY_TCP_SENT, n);
		s->some = true;
		s->sent += n;
		if (s->sent == chunk->len)
			drop_first(s);
	}
	if (!STAILQ_EMPTY(&s->queue))
		return;
	link_watch(&s->link, false);
	if (s->end == TCP_WHOLE)
		link_shutdown(&s->link);
}

static void on_event(void *stream, uint32_t events, uint64_t now_ns)
{
	struct tcp_stream *s = stream;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		read_away(s, now_ns);
	if (events & EPOLLOUT && s->link.fd >= 0)
		send_more(s, now_ns);
}

struct tcp_stream *tcp_open(struct tcp_target *t)
{
	struct tcp_stream *s = memory_take(&t->memory, sizeof(*s));

	if (!s) {
		tally(TALLY_STREAMS_MEMORY);
		return NULL;
	}
	*s = (struct tcp_stream){ .target = t };
	link_init(&s->link, &t->link, on_event, s);
	STAILQ_INIT(&s->queue);
	TAILQ_INSERT_TAIL(&t->streams, s, in_target);
	return s;
}

static bool enqueue(struct tcp_stream *s, const void *bytes, uint32_t len, uint32_t queue_max,
		    uint64_t now_ns)
{
	struct chunk *chunk = NULL;

	if (len <= queue_max && s->queued <= queue_max - len)
		chunk = memory_take(&s->target->memory, sizeof(*chunk) + len);
	if (!chunk)
		return false;
	chunk->len = len;
	chunk->arrived_ns = now_ns;
	memcpy(chunk->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&s->queue, chunk, next);
	s->queued += len;
	s->target->queued += len;
	return true;
}

void tcp_send(struct tcp_stream *s, const void *bytes, uint32_t len, uint32_t queue_max, uint64_t now_ns)
{
	bool idle = STAILQ_EMPTY(&s->queue);

	if (s->over) {
		count(s, TALLY_STREAMS_LOST);
		tally_add(TALLY_TCP_UNSENT, len);
	} else if (!enqueue(s, bytes, len, queue_max, now_ns)) {
		give_up(s, TALLY_STREAMS_MEMORY, now_ns);
		tally_add(TALLY_TCP_UNSENT, len);
	} else if (idle && s->link.fd >= 0) {
		link_watch(&s->link, true);
	} else if (idle) {
		connect_again(s, now_ns);
	}
}

void tcp_finish(struct tcp_stream *s, bool whole, uint64_t now_ns)
{
	s->end = whole ? TCP_WHOLE : TCP_BROKEN;
	s->end_ns = now_ns;
	if (whole && s->link.fd >= 0 && STAILQ_EMPTY(&s->queue))
		link_shutdown(&s->link);
}

static void free_stream(struct tcp_stream *s, uint64_t now_ns)
{
	if (s->end == TCP_WHOLE)
		link_close(&s->link, now_ns);
	else
		link_reset(&s->link, now_ns);
	TAILQ_REMOVE(&s->target->streams, s, in_target);
	memory_give(&s->target->memory, s, sizeof(*s));
}

/* After the last byte: a target may take its time to close, and to take what a reset would discard. */
static bool is_done(const struct tcp_stream *s, uint64_t now_ns)
{
	if (!s->end || !STAILQ_EMPTY(&s->queue))
		return false;
	return s->link.fd < 0 || now_ns - s->end_ns >= s->target->max_age_ns ||
	       (s->end == TCP_BROKEN && !link_unacknowledged(&s->link));
}

static void expire(struct tcp_stream *s, uint64_t now_ns)
{
	const struct chunk *first = STAILQ_FIRST(&s->queue);

	if (first && now_ns - first->arrived_ns >= s->target->max_age_ns)
		give_up(s, s->some ? TALLY_STREAMS_LATE : TALLY_STREAMS_UNSENT, now_ns);
	else if (first && s->link.fd < 0 && now_ns - s->tried_ns >= RETRY)
		connect_again(s, now_ns);
	if (is_done(s, now_ns))
		free_stream(s, now_ns);
}

void tcp_expire(struct tcp_target *t, uint64_t now_ns)
{
	struct tcp_stream *s, *next;

	for (s = TAILQ_FIRST(&t->streams); s; s = next) {
		next = TAILQ_NEXT(s, in_target);
		expire(s, now_ns);
	}
}

bool tcp_is_loaded(const struct tcp_target *t)
{
	return t->queued > LOADED || (t->queued && t->memory.used > t->memory.limit / 2);
}

bool tcp_busy(const struct tcp_target *t)
{
	const struct tcp_stream *s;

	TAILQ_FOREACH(s, &t->streams, in_target)
	if (!STAILQ_EMPTY(&s->queue) || (s->end && link_unacknowledged(&s->link)))
		return true;
	return false;
}

void tcp_end(struct tcp_target *t, uint64_t now_ns)
{
	struct tcp_stream *s;

	while ((s = TAILQ_FIRST(&t->streams))) {
		if (!STAILQ_EMPTY(&s->queue))
			give_up(s, s->some ? TALLY_STREAMS_LATE : TALLY_STREAMS_UNSENT, now_ns);
		free_stream(s, now_ns);
	}
}

void tcp_free(struct tcp_target *t)
{
	if (t)
		tcp_end(t, 0);
	free(t);
}
