/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "../../../common/clock.h"
#include "../counters/tally.h"

#define LOADED 256 /* requests at a time are enough for a target */

struct message {
	STAILQ_ENTRY(message) next;
	uint32_t len;
	enum http_method method;
	bool again; /* it has been sent before */
	uint64_t arrived_ns;
	uint8_t bytes[];
};

struct target_connection {
	TAILQ_ENTRY(target_connection) in_target;
	struct target *target;
	struct link link;
	bool used; /* has had an answer */
	bool answering; /* bytes of an answer have come */
	bool finish; /* the client is gone */
	STAILQ_HEAD(, message) queue; /* the first one is being sent or answered, if busy */
	bool busy;
	uint32_t queued; /* bytes */
	uint32_t sent; /* bytes of the first one */
	uint64_t begun_ns;
	struct http answer;
};

TAILQ_HEAD(connection_list, target_connection);

struct target {
	struct link_target link;
	uint64_t max_age_ns;
	struct memory memory;
	struct connection_list connections;
	uint32_t waiting, behind; /* requests in queues; those after the first one of a queue */
	struct target_stats stats;
};

struct target *target_new(const struct target_options *options)
{
	struct target *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->link = options->link;
	t->max_age_ns = options->max_age_ns;
	t->memory.limit = options->memory;
	TAILQ_INIT(&t->connections);
	return t;
}

const struct target_stats *target_stats(const struct target *target)
{
	return &target->stats;
}

static void on_event(void *connection, uint32_t events, uint64_t now_ns);

struct target_connection *target_connect(struct target *t)
{
	size_t link = link_memory(&t->link);
	struct target_connection *c = NULL;

	if (!memory_reserve(&t->memory, link))
		return NULL;
	c = memory_take(&t->memory, sizeof(*c));
	if (!c) {
		memory_release(&t->memory, link);
		return NULL;
	}
	*c = (struct target_connection){ .target = t };
	link_init(&c->link, &t->link, on_event, c);
	STAILQ_INIT(&c->queue);
	TAILQ_INSERT_TAIL(&t->connections, c, in_target);
	return c;
}

static void disconnect(struct target_connection *c, uint64_t now_ns)
{
	link_close(&c->link, now_ns);
	c->used = false;
}

static void drop(struct target_connection *c, struct message *m)
{
	if (m == STAILQ_FIRST(&c->queue))
		c->busy = false;
	STAILQ_REMOVE(&c->queue, m, message, next);
	c->queued -= m->len;
	c->target->waiting--;
	c->target->behind -= !STAILQ_EMPTY(&c->queue);
	memory_give(&c->target->memory, m, sizeof(*m) + m->len);
}

static void begin_answer(struct target_connection *c)
{
	http_begin_response(&c->answer, STAILQ_FIRST(&c->queue)->method == HTTP_HEAD);
}

/* Begins with the first request of the queue, unless one is under way. */
static void start(struct target_connection *c, uint64_t now_ns)
{
	while (!c->busy && !STAILQ_EMPTY(&c->queue)) {
		begin_answer(c);
		c->sent = 0;
		c->answering = false;
		c->begun_ns = now_ns;
		c->busy = true;
		if (c->link.fd >= 0) {
			link_watch(&c->link, true);
		} else if (link_open(&c->link, now_ns)) {
			tally(TALLY_REQUESTS_UNSENT);
			drop(c, STAILQ_FIRST(&c->queue));
		}
	}
}

void target_send(struct target_connection *c, const struct http_request *request,
		 const struct rewrite *rewrite, uint32_t queue_max, uint64_t now_ns)
{
	size_t size = rewrite_request(request, rewrite, NULL);
	struct message *m = NULL;

	if (size <= queue_max && c->queued <= queue_max - size)
		m = memory_take(&c->target->memory, sizeof(*m) + size);
	if (!m) {
		tally(TALLY_REQUESTS_MEMORY);
		return;
	}
	m->len = size;
	m->method = request->method;
	m->again = false;
	m->arrived_ns = now_ns;
	rewrite_request(request, rewrite, m->bytes);
	c->target->behind += !STAILQ_EMPTY(&c->queue);
	STAILQ_INSERT_TAIL(&c->queue, m, next);
	c->queued += m->len;
	c->target->waiting++;
	start(c, now_ns);
}

/* A request may be sent twice if that does no more than sending it once (RFC 9110 9.2.2). */
static bool repeatable(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_PUT:
	case HTTP_DELETE:
	case HTTP_OPTIONS:
		return true;
	default:
		return false;
	}
}

/* The connection is no more, with the present request not answered. */
static void lose(struct target_connection *c, enum tally why, uint64_t now_ns)
{
	struct message *m = STAILQ_FIRST(&c->queue);
	bool was_used = c->used, was_answering = c->answering, was_connected = c->link.connected;

	disconnect(c, now_ns);
	if (!c->busy)
		return;
	/* the target may close an idle connection just when the next request is on its way */
	if (was_used && !was_answering && !m->again && (!c->sent || repeatable(m->method))) {
		m->again = true;
		c->busy = false;
		tally(TALLY_RESENT);
	} else {
		tally(was_connected ? why : TALLY_REQUESTS_UNSENT);
		drop(c, STAILQ_FIRST(&c->queue));
	}
	start(c, now_ns);
}

static void note_answer(struct target_connection *c, uint64_t now_ns)
{
	struct target_stats *stats = &c->target->stats;
	uint64_t us = (now_ns - c->begun_ns) / 1000;
	unsigned int status = c->answer.status, bucket = 0;

	while (bucket < TARGET_LATENCIES - 1 && us > (uint64_t)TARGET_LATENCY_US << bucket)
		bucket++;
	tally(TALLY_RESPONSES);
	atomic_fetch_add(&stats->status[status < TARGET_STATUSES ? status : 0], 1);
	atomic_fetch_add(&stats->latency[bucket], 1);
	atomic_fetch_add(&stats->latency_us, us);
}

/* keep: the connection can be used again. */
static void answered(struct target_connection *c, bool keep, uint64_t now_ns)
{
	bool whole = c->sent == STAILQ_FIRST(&c->queue)->len;

	note_answer(c, now_ns);
	drop(c, STAILQ_FIRST(&c->queue));
	c->used = true;
	if (!keep || !whole)
		disconnect(c, now_ns);
	start(c, now_ns);
}

static bool is_interim(const struct http *answer)
{
	return answer->state == HTTP_WHOLE && answer->status / 100 == 1 && answer->status != 101;
}

/* Returns how many bytes belong to the answer and to the interim ones before it. */
static size_t read_answer(struct target_connection *c, const uint8_t *at, size_t len)
{
	size_t read = http_read(&c->answer, at, len);

	while (is_interim(&c->answer)) {
		begin_answer(c);
		read += http_read(&c->answer, at + read, len - read);
	}
	return read;
}

/* Takes bytes from the target. */
static void take(struct target_connection *c, const uint8_t *at, size_t len, uint64_t now_ns)
{
	size_t read = read_answer(c, at, len);
	bool more = read < len; /* than was asked for */

	c->answering = true;
	if (c->answer.state == HTTP_WHOLE)
		answered(c, http_keeps_connection(&c->answer) && c->answer.status != 101 && !more, now_ns);
	else if (c->answer.state == HTTP_INVALID)
		lose(c, TALLY_RESPONSES_BAD, now_ns);
}

/* The target has closed the connection, which may be the end of an answer. */
static void closed(struct target_connection *c, uint64_t now_ns)
{
	http_end(&c->answer);
	if (c->busy && c->answer.state == HTTP_WHOLE)
		answered(c, false, now_ns);
	else
		lose(c, TALLY_RESPONSES_LOST, now_ns);
}

/* What is left then, epoll says again. */
static void receive(struct target_connection *c, uint64_t now_ns)
{
	static uint8_t bytes[65536];
	ssize_t n = link_receive(&c->link, bytes, sizeof(bytes));

	if (n == -EAGAIN)
		return;
	if (!n)
		closed(c, now_ns);
	else if (n < 0 || !c->busy)
		lose(c, TALLY_RESPONSES_LOST, now_ns);
	else
		take(c, bytes, n, now_ns);
}

static void send_more(struct target_connection *c, uint64_t now_ns)
{
	const struct message *m = STAILQ_FIRST(&c->queue);
	ssize_t n;

	if (!c->busy || c->sent == m->len) {
		link_watch(&c->link, false);
		return;
	}
	n = link_send(&c->link, m->bytes + c->sent, m->len - c->sent);
	if (n < 0 && n != -EAGAIN) {
		lose(c, TALLY_RESPONSES_LOST, now_ns);
		return;
	}
	c->sent += n < 0 ? 0 : n;
	if (c->sent == m->len) {
		tally(TALLY_REQUESTS_SENT);
		link_watch(&c->link, false);
	}
}

static void on_event(void *connection, uint32_t events, uint64_t now_ns)
{
	struct target_connection *c = connection;

	if (events & EPOLLERR && !c->link.connected) {
		lose(c, TALLY_REQUESTS_UNSENT, now_ns);
		return;
	}
	/* an answer may come before the request is sent whole, and the target may have closed after it */
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		receive(c, now_ns);
	else if (events & EPOLLOUT)
		send_more(c, now_ns);
}

void target_finish(struct target_connection *c)
{
	c->finish = true; /* target_expire() frees it, when no event for it can be under way */
}

static void free_connection(struct target_connection *c, uint64_t now_ns)
{
	disconnect(c, now_ns);
	TAILQ_REMOVE(&c->target->connections, c, in_target);
	memory_release(&c->target->memory, link_memory(&c->target->link));
	memory_give(&c->target->memory, c, sizeof(*c));
}

/* Drops what has waited too long: first the requests that have not been sent yet. */
static void expire(struct target_connection *c, uint64_t now_ns)
{
	uint64_t max_age_ns = c->target->max_age_ns;
	struct message *first = STAILQ_FIRST(&c->queue), *m;

	if (!first || now_ns - first->arrived_ns < max_age_ns)
		return;
	while ((m = STAILQ_NEXT(first, next)) && now_ns - m->arrived_ns >= max_age_ns) {
		tally(TALLY_REQUESTS_AGED);
		drop(c, m);
	}
	c->used = false; /* it is not sent again */
	lose(c, c->sent ? TALLY_RESPONSES_LATE : TALLY_REQUESTS_AGED, now_ns);
}

void target_expire(struct target *t, uint64_t now_ns)
{
	struct target_connection *c, *next;

	for (c = TAILQ_FIRST(&t->connections); c; c = next) {
		next = TAILQ_NEXT(c, in_target);
		expire(c, now_ns);
		if (c->finish && STAILQ_EMPTY(&c->queue))
			free_connection(c, now_ns);
	}
}

bool target_is_loaded(const struct target *t)
{
	bool full = t->waiting > LOADED || t->memory.used > t->memory.limit / 2;

	return t->behind || (t->waiting && full);
}

bool target_busy(const struct target *t)
{
	return t->waiting;
}

void target_end(struct target *t, uint64_t now_ns)
{
	struct target_connection *c;

	while ((c = TAILQ_FIRST(&t->connections))) {
		while (!STAILQ_EMPTY(&c->queue)) {
			tally(c->busy && c->sent ? TALLY_RESPONSES_LATE : TALLY_REQUESTS_UNSENT);
			drop(c, STAILQ_FIRST(&c->queue));
		}
		free_connection(c, now_ns);
	}
}

void target_free(struct target *t)
{
	if (t)
		target_end(t, 0);
	free(t);
}
