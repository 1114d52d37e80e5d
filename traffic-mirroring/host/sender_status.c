// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sender_status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../common/lock.h"
#include "../../common/log.h"
#include "collector.h"
#include "emit.h"
#include "rings.h"
#include "shared.h"

static bool all_asleep(const struct shared *s)
{
	for (unsigned int thread = 0; thread < shared_threads(s); thread++)
		if (!s->state->sleeping[thread])
			return false;
	return true;
}

static void emit_state(struct emit *e, const struct shared *s, long pid)
{
	bool answers = shared_sender_answers(s, 0);

	emit_bool(e, "up", pid > 0 && answers);
	emit_add(e, "process", pid == LOCK_HOLDER_UNSEEN ? NULL : json_object_new_int64(pid));
	emit_double(e, "lag_seconds", shared_lag_seconds(s));
	emit_double(e, "shed_ratio", shared_shed_ratio(s->state->shed));
	emit_number(e, "undecided_flows", shared_sent(s, SENT_UNDECIDED));
	if (pid > 0)
		emit_text(e, "sender   running, %s%s\n", lock_holder_text(pid),
			  !answers	? ", does not answer" :
			  all_asleep(s) ? ", asleep" :
					  "");
	else
		emit_text(e, "sender   not running%s\n",
			  s->state->present ? ", and did not end by itself" : "");
}

static __u64 of_thread(const struct shared *s, unsigned int thread, enum mirror_sent counter)
{
	return s->sent[thread * MIRROR_SENT_KEYS + counter];
}

static void emit_threads(struct emit *e, const struct shared *s)
{
	emit_array(e, "threads");
	for (unsigned int thread = 0; thread < shared_threads(s); thread++) {
		emit_object(e, NULL);
		emit_number(e, "copies", of_thread(s, thread, SENT_COPIES));
		emit_double(e, "lag_seconds", of_thread(s, thread, SENT_LAG_MS) / 1e3);
		emit_end(e);
	}
	emit_end(e);
}

/* n: of its rings. */
static void print_thread(const struct shared *s, unsigned int thread, const struct ring *rings, size_t n)
{
	printf("thread %u %14llu copies, its fullest ring at %.0f %%, lag %llu ms\n", thread,
	       of_thread(s, thread, SENT_COPIES), 100 * rings_fill(rings, n),
	       of_thread(s, thread, SENT_LAG_MS));
}

static int print_rings(const struct shared *s)
{
	unsigned int threads;
	struct ring *rings;
	uint64_t size = 0;
	size_t n;
	int err;

	if (!rings_exist()) {
		puts("rings    none: no filter has a collector");
		return 0;
	}
	err = rings_open(&rings, &n, &threads);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		size += rings[i].size;
	printf("rings    %zu CPUs, %" PRIu64 " KiB in all, the fullest at %.0f %%, lag %.0f ms\n",
	       rings_cpus(rings, n / threads), size >> 10, 100 * rings_fill(rings, n),
	       1e3 * shared_lag_seconds(s));
	for (unsigned int i = 0; i < shared_threads(s) && threads > 1; i++)
		print_thread(s, i, rings + i * (n / threads), n / threads);
	printf("overload %.1f %% of the flows are shed\n", 100 * shared_shed_ratio(s->state->shed));
	printf("held     %llu flows wait until their name is known\n", shared_sent(s, SENT_UNDECIDED));
	rings_close(rings, n);
	return 0;
}

/* Absent until a rule uses `domain` or `first`. */
static void emit_flows(struct emit *e, const struct shared *s)
{
	size_t entries = (size_t)s->flow_sets * MIRROR_FLOW_WAYS, used = shared_flows_used(s);

	if (!s->flows)
		return;
	emit_object(e, "flows");
	emit_number(e, "entries", entries);
	emit_number(e, "used", used);
	emit_number(e, "evictions", s->state->flow_evictions);
	emit_end(e);
	emit_text(e, "flows    %zu of %zu entries used, %llu evicted while in use\n", used, entries,
		  s->state->flow_evictions);
}

static void emit_counters(struct emit *e, const struct shared *s)
{
	__u64 n;

	emit_text(e, "counters\n");
	emit_object(e, "counters");
	for (int i = 0; i < SENT_COUNT; i++) {
		if (!sent_info[i].name)
			continue;
		n = shared_sent(s, i);
		emit_number(e, sent_info[i].name, n);
		if (n || i <= SENT_BYTES)
			emit_text(e, "  %-44s %14llu\n", sent_info[i].help, n);
	}
	emit_end(e);
	emit_object(e, "errors");
	for (int i = 0; i < MIRROR_ERRNOS; i++) {
		n = shared_sent_errors(s, i);
		if (!n)
			continue;
		emit_number(e, shared_error_name(i), n);
		emit_text(e, "    %-42s %14llu\n", i ? strerror(i) : "unknown", n);
	}
	emit_end(e);
}

/* JSON has only what the sender has opened. */
static void emit_collector(struct emit *e, const struct mirror_group *g, int i,
			   const struct mirror_collector_counters *c)
{
	static const struct mirror_collector_counters none;
	char text[COLLECTOR_TEXT_LEN];
	const char *fault;

	collector_print(&g->collector[i], text);
	if (c->group == g->id) {
		emit_object(e, NULL);
		emit_string(e, "collector", text);
		emit_number(e, "group", g->id);
		emit_number(e, "next_group", g->next);
		emit_number(e, "copies", c->copies);
		emit_number(e, "bytes", c->bytes);
		emit_number(e, "refused", c->refused);
		emit_number(e, "shed", c->shed_copies);
		emit_double(e, "shed_ratio", shared_shed_ratio(c->shed));
		emit_bool(e, "reachable", !shared_collector_fault(c));
		emit_end(e);
	} else {
		c = &none;
	}
	fault = shared_collector_fault(c);
	emit_text(e, "  %-40s %12llu copies %14llu bytes %8llu refused%s%s", text, c->copies, c->bytes,
		  c->refused, fault ? ", " : "", fault ?: "");
	if (c->shed)
		emit_text(e, ", the path to it is full: %.1f %% of its flows are shed",
			  100 * shared_shed_ratio(c->shed));
	emit_text(e, "\n");
}

static void emit_collectors(struct emit *e, const struct shared *s)
{
	emit_array(e, "collectors");
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct mirror_collector_counters c;
		struct mirror_group g;

		if (!shared_group(s, slot, &g))
			continue;
		emit_text(e, "group %u", g.id);
		if (g.next)
			emit_text(e, ", copies also go to group %u", g.next);
		emit_text(e, "%s\n",
			  shared_collector(s, slot, 0).group != g.id ? ", not opened yet" :
			  s->state->stopped[slot] ? ", stopped: no route to its collectors" :
						    "");
		for (int i = 0; i < g.collectors; i++) {
			c = shared_collector(s, slot, i);
			emit_collector(e, &g, i, &c);
		}
	}
	emit_end(e);
}

struct json_object *sender_status_json(void)
{
	struct emit e = { .depth = 1 };
	long pid = shared_sender();
	struct shared s;

	if (pid < 0 || shared_open(&s))
		return NULL;
	e.open[0] = json_object_new_object();
	emit_state(&e, &s, pid);
	emit_threads(&e, &s);
	emit_flows(&e, &s);
	emit_counters(&e, &s);
	emit_collectors(&e, &s);
	return e.open[0];
}

int sender_status_print(bool *running)
{
	long pid = shared_sender();
	struct emit e = { .depth = 0 };
	struct shared s;
	int err;

	*running = pid > 0;
	if (pid == -ENOENT) {
		log_error("this host has no rings; `mirroring start` makes them for the first filter with a "
			  "collector");
		return pid;
	}
	if (pid < 0) {
		shared_report_sender(pid);
		return pid;
	}
	err = shared_open(&s);
	if (err)
		return err;
	emit_state(&e, &s, pid);
	err = print_rings(&s);
	if (err)
		return err;
	emit_flows(&e, &s);
	emit_counters(&e, &s);
	emit_collectors(&e, &s);
	return 0;
}
