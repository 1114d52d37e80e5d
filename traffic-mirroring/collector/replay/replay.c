/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "replay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../../common/clock.h"
#include "../../../common/log.h"
#include "../../abi/flow_hash.h"
#include "pace.h"
#include "queue.h"
#include "tls.h"
#include "../counters/tally.h"

#define TURN 1024 /* segments, before the targets' turn */
#define TICK_MS 100
#define TICK_NS (TICK_MS * 1000000ULL)
#define TARGET_TURN (SECOND_NS / 2000) /* of a target, before the others' */

struct replay {
	struct replay_options options;
	struct queue *queue;
	struct memory memory;
	struct flows *flows;
	struct ends *ends;
	struct ssl_ctx_st *tls;
	/* one of both for each target */
	struct target *target[REPLAY_TARGETS_MAX];
	struct tcp_target *tcp[REPLAY_TARGETS_MAX];
	int events, wake; /* events: of wake and of the targets' own epolls */
	int target_events[REPLAY_TARGETS_MAX];
	uint64_t now_ns;
	uint64_t flows_ns; /* the same for flows: in files, the time of the newest segment */
	struct pace pace;
	bool loop_said[REPLAY_RULES_MAX];
	atomic_bool stop;
	atomic_ullong end_ns; /* when it must have ended, once stop is set */
	atomic_bool finished;
	bool more; /* segments may be in the queue */
	uint64_t tick_ns, flows_tick_ns; /* of the last look at what is due */
	bool running;
	pthread_t thread;
};

/* The rule that applies to a segment, or -1. */
static int rule_of(const struct replay *r, const struct segment *segment)
{
	for (uint32_t i = 0; i < r->options.rules; i++)
		if (r->options.rule[i].port == segment->key.dst_port)
			return i;
	return -1;
}

void replay_packet(struct replay *r, const struct copy *p)
{
	struct segment segment;
	int rule;

	switch (segment_find(p, &segment)) {
	case SEGMENT_NONE:
		return;
	case SEGMENT_FRAGMENT:
		tally(TALLY_SEGMENTS_FRAGMENT);
		return;
	case SEGMENT_FOUND:
		break;
	}
	rule = rule_of(r, &segment);
	if (rule < 0)
		return;
	tally(TALLY_SEGMENTS);
	if (!segment_valid(p, &segment))
		tally(TALLY_SEGMENTS_BAD);
	else if (!queue_put(r->queue, &segment, rule))
		tally(TALLY_SEGMENTS_OVERFLOW);
}

void replay_wake(struct replay *r)
{
	eventfd_write(r->wake, 1);
}

const struct target_stats *replay_stats(const struct replay *r, uint32_t target)
{
	return r->target[target] ? target_stats(r->target[target]) : NULL;
}

static const struct replay_rule *rule_of_flow(const struct replay *r, const struct flow *flow)
{
	return &r->options.rule[flow->rule];
}

/* Which of n shares a connection belongs to. Different purposes make independent choices. */
static uint32_t share_of(const struct flow_key *key, uint32_t purpose, uint32_t n)
{
	return hash_share(flow_key_hash(key, purpose) >> 32, n);
}

static bool chosen(const struct replay *r, const struct flow_key *key)
{
	return share_of(key, 0, 100) < r->options.percent;
}

/* The target that a group of the flow's rule has for it: an index. */
static uint32_t spread(const struct replay *r, const struct flow *flow, uint32_t group)
{
	const struct replay_rule *rule = rule_of_flow(r, flow);
	uint32_t first = rule->first, end;

	while (r->options.target[first].group < group)
		first++;
	for (end = first; end < rule->first + rule->targets && r->options.target[end].group == group; end++)
		;
	return first + share_of(&flow->key, 1 + group, end - first);
}

static bool leads_to_target(const struct replay *r, const struct flow *flow)
{
	const struct replay_rule *rule = rule_of_flow(r, flow);
	const struct flow_key *key = &flow->key;

	for (uint32_t i = rule->first; i < rule->first + rule->targets; i++)
		if (link_is_address(&r->options.target[i].address, key->family, key->dst, key->dst_port))
			return true;
	return false;
}

static void print_address(const struct flow_key *key, const uint8_t *address, char text[INET6_ADDRSTRLEN])
{
	inet_ntop(key->family == 4 ? AF_INET : AF_INET6, address, text, INET6_ADDRSTRLEN);
}

/* Says it once for each rule. */
static void refuse_loop(struct replay *r, const struct flow *flow)
{
	char server[INET6_ADDRSTRLEN] = "";

	tally(TALLY_FLOWS_LOOP);
	if (r->loop_said[flow->rule])
		return;
	r->loop_said[flow->rule] = true;
	print_address(&flow->key, flow->key.dst, server);
	log_error("connections to the target %s port %u are mirrored: these are not replayed", server,
		  flow->key.dst_port);
}

/* What is in a file was there before. */
static bool is_loop(const struct replay *r, const struct flow *flow)
{
	const struct flow_key *key = &flow->key;

	return !r->options.files && (leads_to_target(r, flow) ||
				     ends_has(r->ends, key->family, key->src, key->src_port, r->now_ns));
}

static void on_begin(void *context, struct flow *flow)
{
	struct replay *r = context;

	flow->raw = rule_of_flow(r, flow)->tcp;
	flow->replayed = false;
	if (is_loop(r, flow))
		refuse_loop(r, flow);
	else if (!chosen(r, &flow->key))
		tally(TALLY_FLOWS_NOT_CHOSEN);
	else
		flow->replayed = true;
}

/* To one target of a group. */
static void send_request(struct replay *r, struct flow *flow, uint32_t group,
			 const struct http_request *request)
{
	uint32_t target = spread(r, flow, group);
	const char *host = r->options.host, *mark = r->options.mark;
	char client[INET6_ADDRSTRLEN] = "";
	const struct rewrite rewrite = {
		host && !*host ? r->options.target[target].host : host,
		r->options.client_header,
		client,
		*mark ? mark : NULL,
	};

	if (!flow->connection[group])
		flow->connection[group] = target_connect(r->target[target]);
	if (!flow->connection[group]) {
		tally(TALLY_REQUESTS_MEMORY);
		return;
	}
	print_address(&flow->key, flow->key.src, client);
	target_send(flow->connection[group], request, &rewrite, 2 * r->options.flows.request_max, r->now_ns);
}

static void on_request(void *context, struct flow *flow, const struct http_request *request)
{
	struct replay *r = context;

	if (*r->options.mark && rewrite_is_marked(request, r->options.mark)) {
		tally(TALLY_REQUESTS_LOOP);
		return;
	}
	if (r->options.dry_run) {
		tally(TALLY_REQUESTS_DRY);
		return;
	}
	if (!pace_allows(&r->pace, r->flows_ns)) {
		tally(TALLY_REQUESTS_RATE);
		return;
	}
	for (uint32_t group = 0; group < rule_of_flow(r, flow)->groups; group++)
		send_request(r, flow, group, request);
}

static void on_data(void *context, struct flow *flow, const uint8_t *at, uint32_t len)
{
	struct replay *r = context;

	for (uint32_t group = 0; group < rule_of_flow(r, flow)->groups && !r->options.dry_run; group++) {
		if (!flow->begun)
			flow->connection[group] = tcp_open(r->tcp[spread(r, flow, group)]);
		if (flow->connection[group])
			tcp_send(flow->connection[group], at, len, 2 * r->options.flows.request_max,
				 r->now_ns);
		else
			tally_add(TALLY_TCP_UNSENT, len);
	}
}

static void on_end(void *context, struct flow *flow, bool whole)
{
	const struct replay *r = context;

	for (uint32_t i = 0; i < FLOW_COPIES_MAX; i++)
		if (flow->connection[i] && flow->raw)
			tcp_finish(flow->connection[i], whole, r->now_ns);
		else if (flow->connection[i])
			target_finish(flow->connection[i]);
}

/* A file can wait, so that its requests and bytes do not wait for each other and grow old. */
static bool must_wait(const struct replay *r)
{
	for (uint32_t i = 0; r->options.files && i < r->options.targets; i++)
		if (r->tcp[i] ? tcp_is_loaded(r->tcp[i]) : target_is_loaded(r->target[i]))
			return true;
	return false;
}

static void expire_flows(struct replay *r)
{
	if (r->flows_ns - r->flows_tick_ns < TICK_NS)
		return;
	r->flows_tick_ns = r->flows_ns;
	flows_expire(r->flows, r->flows_ns);
}

/* In a file, the time goes on with its packets. */
static void take(struct replay *r, const struct segment *segment, uint32_t rule)
{
	if (r->options.files && segment->time_ns > r->flows_ns)
		r->flows_ns = segment->time_ns;
	expire_flows(r);
	flows_segment(r->flows, segment, rule, r->flows_ns);
}

/* Returns whether there is more. */
static bool take_segments(struct replay *r)
{
	struct segment segment;
	uint32_t rule;

	for (int i = 0; i < TURN; i++) {
		if (must_wait(r) || !queue_first(r->queue, &segment, &rule))
			return false;
		take(r, &segment, rule);
		queue_next(r->queue);
	}
	return true;
}

/* What there is to do for a target, for a while: one that sends without end would hold up the others. */
static void take_turn(struct replay *r, int events)
{
	uint64_t end_ns = r->now_ns + TARGET_TURN;
	struct epoll_event event;

	while (r->now_ns < end_ns && epoll_wait(events, &event, 1, 0) == 1) {
		link_event(event.data.ptr, event.events, r->now_ns);
		r->now_ns = clock_ns(CLOCK_MONOTONIC);
	}
}

static void take_events(struct replay *r, int timeout)
{
	struct epoll_event event[REPLAY_TARGETS_MAX + 1];
	int n = epoll_wait(r->events, event, REPLAY_TARGETS_MAX + 1, timeout);
	eventfd_t ignored;

	r->now_ns = clock_ns(CLOCK_MONOTONIC);
	if (!r->options.files)
		r->flows_ns = r->now_ns;
	for (int i = 0; i < n; i++)
		if (event[i].data.fd == r->wake)
			eventfd_read(r->wake, &ignored);
		else
			take_turn(r, event[i].data.fd);
}

static bool busy(const struct replay *r)
{
	for (uint32_t i = 0; i < r->options.targets; i++)
		if (r->tcp[i] ? tcp_busy(r->tcp[i]) : target_busy(r->target[i]))
			return true;
	return false;
}

static void expire_targets(struct replay *r)
{
	for (uint32_t i = 0; i < r->options.targets; i++)
		if (r->tcp[i])
			tcp_expire(r->tcp[i], r->now_ns);
		else
			target_expire(r->target[i], r->now_ns);
}

static void end_targets(struct replay *r)
{
	for (uint32_t i = 0; i < r->options.targets; i++)
		if (r->tcp[i])
			tcp_end(r->tcp[i], r->now_ns);
		else
			target_end(r->target[i], r->now_ns);
}

static void turn(struct replay *r)
{
	take_events(r, r->more ? 0 : TICK_MS);
	r->more = take_segments(r);
	expire_flows(r);
	if (r->now_ns - r->tick_ns < TICK_NS)
		return;
	r->tick_ns = r->now_ns;
	expire_targets(r);
}

static void drop_segments(struct replay *r)
{
	struct segment segment;
	uint32_t rule;

	for (; queue_first(r->queue, &segment, &rule); queue_next(r->queue))
		tally_add(TALLY_SEGMENTS_OVERFLOW, 1);
}

/* Takes what has come already, and waits for the last responses. */
static void finish(struct replay *r)
{
	while (!queue_is_empty(r->queue) && r->now_ns < r->end_ns)
		turn(r);
	drop_segments(r);
	flows_free(r->flows);
	r->flows = NULL;
	for (; busy(r) && r->now_ns < r->end_ns; expire_targets(r))
		take_events(r, TICK_MS);
	end_targets(r);
}

static void *run(void *replay)
{
	struct replay *r = replay;

	while (!atomic_load(&r->stop))
		turn(r);
	finish(r);
	atomic_store(&r->finished, true);
	return NULL;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	if (r->flows)
		flows_free(r->flows);
	for (uint32_t i = 0; i < r->options.targets; i++) {
		tcp_free(r->tcp[i]);
		target_free(r->target[i]);
	}
	replay_tls_free(r->tls);
	ends_free(r->ends);
	queue_free(r->queue);
	for (uint32_t i = 0; i < r->options.targets; i++)
		if (r->target_events[i] >= 0)
			close(r->target_events[i]);
	if (r->events >= 0)
		close(r->events);
	if (r->wake >= 0)
		close(r->wake);
	free(r);
}

static bool uses_tls(const struct replay_options *options)
{
	for (uint32_t i = 0; i < options->targets; i++)
		if (options->target[i].tls)
			return true;
	return false;
}

/* A target's own epoll, of which the common one tells. */
static int open_events(struct replay *r, uint32_t target)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { EPOLLIN, { .fd = fd } };

	r->target_events[target] = fd;
	return fd < 0 || epoll_ctl(r->events, EPOLL_CTL_ADD, fd, &event) ? -errno : fd;
}

static int add_target(struct replay *r, uint32_t i)
{
	const struct replay_target *target = &r->options.target[i];
	const struct target_options options = {
		.link.address = target->address,
		.link.address_len = target->address_len,
		.link.events = open_events(r, i),
		.link.ends = r->ends,
		.link.tls = target->tls ? r->tls : NULL,
		.link.host = target->name,
		.memory = r->options.memory / 2 / r->options.targets,
		.max_age_ns = r->options.max_age * SECOND_NS,
	};

	if (options.link.events < 0)
		return options.link.events;
	if (r->options.rule[target->rule].tcp)
		r->tcp[i] = tcp_new(&options);
	else
		r->target[i] = target_new(&options);
	return r->tcp[i] || r->target[i] ? 0 : -ENOMEM;
}

static int prepare(struct replay *r)
{
	const struct flows_sink sink = { on_begin, on_request, on_data, on_end, r };
	struct epoll_event event = { .events = EPOLLIN };
	int err = 0;

	r->events = epoll_create1(EPOLL_CLOEXEC);
	r->wake = event.data.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->events < 0 || r->wake < 0 || epoll_ctl(r->events, EPOLL_CTL_ADD, r->wake, &event))
		return -errno;
	/* a quarter of the memory is the queue's, another the flows'; the targets share the rest equally */
	r->memory.limit = r->options.memory / 4;
	r->queue = queue_new(r->options.memory / 4);
	r->flows = flows_new(&r->options.flows, &r->memory, &sink);
	r->ends = ends_new();
	if (!r->queue || !r->flows || !r->ends)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->options.targets && !err; i++)
		err = add_target(r, i);
	return err;
}

int replay_start(const struct replay_options *options, struct replay **replay)
{
	struct ssl_ctx_st *tls = NULL;
	int err = uses_tls(options) ? replay_tls_new(options->ca_file, !options->insecure, &tls) : 0;
	struct replay *r;

	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	err = -ENOMEM;
	if (r) {
		r->options = *options;
		r->tls = tls;
		r->events = r->wake = -1;
		memset(r->target_events, -1, sizeof(r->target_events));
		r->now_ns = clock_ns(CLOCK_MONOTONIC);
		r->flows_ns = options->files ? 0 : r->now_ns;
		pace_begin(&r->pace, options->rate, r->flows_ns);
		err = prepare(r) ?: -pthread_create(&r->thread, NULL, run, r);
	}
	if (err) {
		log_error("cannot start the replay: %s", strerror(-err));
		if (!r)
			replay_tls_free(tls);
		replay_free(r);
		return err;
	}
	r->running = true;
	*replay = r;
	return 0;
}

void replay_finish(struct replay *r, uint64_t end_ns)
{
	atomic_store(&r->end_ns, end_ns);
	atomic_store(&r->stop, true);
	replay_wake(r);
}

bool replay_finished(const struct replay *r)
{
	return atomic_load(&r->finished);
}

bool replay_ready(const struct replay *r)
{
	return queue_has_room(r->queue);
}

void replay_stop(struct replay *r, uint64_t end_ns)
{
	if (!r || !r->running)
		return;
	replay_finish(r, end_ns);
	pthread_join(r->thread, NULL);
	r->running = false;
}
