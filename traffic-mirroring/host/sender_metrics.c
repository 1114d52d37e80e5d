// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sender_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../common/prometheus.h"
#include "collector.h"
#include "shared.h"

#define PREFIX "mirroring_sender_"
#define FLOWS "mirroring_flow_table_"

static void print_totals(const struct shared *s)
{
	char name[64];

	for (int i = 0; i < SENT_COUNT; i++) {
		if (!sent_info[i].name)
			continue;
		snprintf(name, sizeof(name), PREFIX "%s_total", sent_info[i].name);
		prometheus_metric(stdout, name, "counter", sent_info[i].help);
		prometheus_sample(stdout, name, NULL, "%llu", shared_sent(s, i));
	}
	prometheus_metric(stdout, PREFIX "errors_total", "counter",
			  "copies refused by the kernel, by the reason it gave");
	for (int i = 0; i < MIRROR_ERRNOS; i++) {
		const struct prometheus_label labels[] = { { "errno", shared_error_name(i) },
							   { NULL, NULL } };

		if (shared_sent_errors(s, i))
			prometheus_sample(stdout, PREFIX "errors_total", labels, "%llu",
					  shared_sent_errors(s, i));
	}
}

static void print_threads(const struct shared *s)
{
	char thread[12];
	const struct prometheus_label labels[] = { { "thread", thread }, { NULL, NULL } };

	prometheus_metric(stdout, PREFIX "thread_copies_total", "counter", "copies sent by the thread");
	for (unsigned int i = 0; i < shared_threads(s); i++) {
		snprintf(thread, sizeof(thread), "%u", i);
		prometheus_sample(stdout, PREFIX "thread_copies_total", labels, "%llu",
				  s->sent[i * MIRROR_SENT_KEYS + SENT_COPIES]);
	}
}

static void print_flows(const struct shared *s)
{
	if (!s->flows)
		return;
	prometheus_metric(stdout, FLOWS "entries", "gauge", "entries of the flow table");
	prometheus_sample(stdout, FLOWS "entries", NULL, "%u", s->flow_sets * MIRROR_FLOW_WAYS);
	prometheus_metric(stdout, FLOWS "used", "gauge", "entries that a flow has, used recently or not");
	prometheus_sample(stdout, FLOWS "used", NULL, "%zu", shared_flows_used(s));
	prometheus_metric(stdout, FLOWS "evictions_total", "counter",
			  "entries of flows in use that the data path gave to others");
	prometheus_sample(stdout, FLOWS "evictions_total", NULL, "%llu", s->state->flow_evictions);
}

typedef void collector_function(void *ctx, __u32 group, const char *collector,
				const struct mirror_collector_counters *c);

/* Calls f for every collector that has counters. */
static void each_collector(const struct shared *s, collector_function *f, void *ctx)
{
	char text[COLLECTOR_TEXT_LEN];

	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct mirror_group g;

		if (!shared_group(s, slot, &g))
			continue;
		for (int i = 0; i < g.collectors; i++) {
			const struct mirror_collector_counters c = shared_collector(s, slot, i);

			if (c.group != g.id)
				continue;
			collector_print(&g.collector[i], text);
			f(ctx, g.id, text, &c);
		}
	}
}

/* One counter of all collectors. */
struct column {
	const char *name;
	unsigned long long (*value)(const struct mirror_collector_counters *c); /* NULL: shed ratio */
};

static void print_sample(void *ctx, __u32 group, const char *collector,
			 const struct mirror_collector_counters *c)
{
	const struct column *column = ctx;
	char id[12];
	const struct prometheus_label labels[] = { { "group", id },
						   { "collector", collector },
						   { NULL, NULL } };

	snprintf(id, sizeof(id), "%u", group);
	if (column->value)
		prometheus_sample(stdout, column->name, labels, "%llu", column->value(c));
	else
		prometheus_sample(stdout, column->name, labels, "%g", shared_shed_ratio(c->shed));
}

static void print_column(const struct shared *s, const char *type, const char *help, struct column column)
{
	prometheus_metric(stdout, column.name, type, help);
	each_collector(s, print_sample, &column);
}

static unsigned long long copies_of(const struct mirror_collector_counters *c)
{
	return c->copies;
}

static unsigned long long bytes_of(const struct mirror_collector_counters *c)
{
	return c->bytes;
}

static unsigned long long refused_of(const struct mirror_collector_counters *c)
{
	return c->refused;
}

static unsigned long long reachable_of(const struct mirror_collector_counters *c)
{
	return !shared_collector_fault(c);
}

static unsigned long long shed_of(const struct mirror_collector_counters *c)
{
	return c->shed_copies;
}

int sender_metrics_print(void)
{
	long pid = shared_sender();
	struct shared s;
	int err;

	if (pid == -ENOENT)
		return 0;
	if (pid < 0) {
		shared_report_sender(pid);
		return pid;
	}
	err = shared_open(&s);
	if (err)
		return err;
	prometheus_metric(stdout, PREFIX "up", "gauge", "1: a sender runs and does its work");
	prometheus_sample(stdout, PREFIX "up", NULL, "%d", pid > 0 && shared_sender_answers(&s, 0));
	prometheus_metric(stdout, PREFIX "lag_seconds", "gauge",
			  "age of the oldest record when it was taken out of its ring");
	prometheus_sample(stdout, PREFIX "lag_seconds", NULL, "%g", shared_lag_seconds(&s));
	prometheus_metric(stdout, PREFIX "shed_ratio", "gauge",
			  "share of the flows that are shed, by overload or --max-rate");
	prometheus_sample(stdout, PREFIX "shed_ratio", NULL, "%g", shared_shed_ratio(s.state->shed));
	print_threads(&s);
	print_flows(&s);
	prometheus_metric(stdout, PREFIX "undecided_flows", "gauge", "flows held until their name is known");
	prometheus_sample(stdout, PREFIX "undecided_flows", NULL, "%llu", shared_sent(&s, SENT_UNDECIDED));
	print_totals(&s);
	print_column(&s, "counter", "copies sent to the collector",
		     (struct column){ PREFIX "collector_copies_total", copies_of });
	print_column(&s, "counter", "bytes of the copies sent to the collector, without encapsulation",
		     (struct column){ PREFIX "collector_bytes_total", bytes_of });
	print_column(&s, "counter", "copies to the collector refused by the kernel",
		     (struct column){ PREFIX "collector_refused_total", refused_of });
	print_column(&s, "counter", "copies of flows that are shed for the collector",
		     (struct column){ PREFIX "collector_shed_total", shed_of });
	print_column(&s, "gauge", "share of the collector's flows that are shed: the path to it is full",
		     (struct column){ PREFIX "collector_shed_ratio", NULL });
	print_column(&s, "gauge", "0: its port or its host is unreachable, or the link to it is down",
		     (struct column){ PREFIX "collector_reachable", reachable_of });
	return 0;
}
