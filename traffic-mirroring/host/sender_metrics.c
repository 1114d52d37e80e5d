// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sender_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector.h"
#include "shared.h"

static const struct {
	const char *name, *help;
} totals[SENT_COUNT] = {
	[SENT_RECORDS] = { "records", "Records taken out of the rings." },
	[SENT_COPIES] = { "copies", "Copies handed to the kernel." },
	[SENT_BYTES] = { "bytes", "Bytes of these copies, without encapsulation." },
	[SENT_SPLIT] = { "split", "Copies that were split off GSO packets." },
	[SENT_UNSPLIT] = { "unsplit", "GSO packets sent in one piece." },
	[SENT_TRIMMED] = { "trimmed", "Copies shorter than their packet." },
	[SENT_CHECKSUM_UNKNOWN] = { "checksum_unknown", "Copies whose checksum the NIC would have made." },
	[SENT_OVERSIZE_TRUNCATED] = { "oversize_truncated", "Copies truncated to fit the path." },
	[SENT_OVERSIZE_DROPPED] = { "oversize_dropped", "Copies too large for the path, dropped." },
	[SENT_OVERSIZE_FRAGMENTED] = { "oversize_fragmented", "Copies too large for the path, fragmented." },
	[SENT_NOT_IP] = { "not_ip", "Copies dropped: the format carries IP only." },
	[SENT_NO_COLLECTOR] = { "no_collector", "Copies dropped: no collector is left." },
	[SENT_REFUSED] = { "refused", "Copies that the kernel refused." },
};

static const char *errno_name(int error)
{
	return strerrorname_np(error) ?: "unknown";
}

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP mirroring_sender_%s %s\n# TYPE mirroring_sender_%s %s\n", name, help, name, type);
}

static void print_totals(const struct shared *s)
{
	char name[48];

	for (int i = 0; i < SENT_COUNT; i++) {
		if (!totals[i].name)
			continue;
		snprintf(name, sizeof(name), "%s_total", totals[i].name);
		head(name, "counter", totals[i].help);
		printf("mirroring_sender_%s %llu\n", name, s->sent[i]);
	}
	head("errors_total", "counter", "Copies that the kernel refused, by the reason it gave.");
	for (int i = 0; i < MIRROR_ERRNOS; i++)
		if (s->sent_errors[i])
			printf("mirroring_sender_errors_total{errno=\"%s\"} %llu\n", errno_name(i),
			       s->sent_errors[i]);
}

typedef void collector_function(void *ctx, __u32 group, const char *collector,
				const struct mirror_collector_counters *c);

/* Calls f for every collector that has counters. */
static void each_collector(const struct shared *s, collector_function *f, void *ctx)
{
	char text[COLLECTOR_TEXT_LEN];

	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		const struct mirror_group *g = &s->groups[slot];

		for (int i = 0; g->id && i < g->collectors; i++) {
			const struct mirror_collector_counters *c =
				&s->collectors[slot * MIRROR_MAX_COLLECTORS + i];

			if (c->group != g->id)
				continue;
			collector_print(&g->collector[i], text);
			f(ctx, g->id, text, c);
		}
	}
}

/* One counter of all collectors. */
struct column {
	const char *name;
	unsigned long long (*value)(const struct mirror_collector_counters *c);
};

static void print_sample(void *ctx, __u32 group, const char *collector,
			 const struct mirror_collector_counters *c)
{
	const struct column *column = ctx;

	printf("mirroring_sender_%s{group=\"%u\",collector=\"%s\"} %llu\n", column->name, group, collector,
	       column->value(c));
}

static void print_column(const struct shared *s, const char *name, const char *type, const char *help,
			 unsigned long long (*value)(const struct mirror_collector_counters *c))
{
	struct column column = { name, value };

	head(name, type, help);
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
	return !c->unreachable;
}

static double lag_seconds(const struct shared *s)
{
	return s->sent[SENT_LAG_MS] / 1e3;
}

static double shed_ratio(const struct shared *s)
{
	return s->state->shed / (double)UINT32_MAX;
}

int sender_metrics_print(void)
{
	long pid = shared_sender();
	struct shared s;
	int err;

	if (pid == -ENOENT)
		return 0;
	err = pid < 0 ? (int)pid : shared_open(&s);
	if (err)
		return err;
	head("up", "gauge", "1: a sender runs.");
	printf("mirroring_sender_up %d\n", pid > 0);
	head("lag_seconds", "gauge", "Age of the oldest record when it was taken out of its ring.");
	printf("mirroring_sender_lag_seconds %g\n", lag_seconds(&s));
	head("shed_ratio", "gauge",
	     "Share of the flows that are left out for want of speed or by --max-rate.");
	printf("mirroring_sender_shed_ratio %g\n", shed_ratio(&s));
	print_totals(&s);
	print_column(&s, "collector_copies_total", "counter", "Copies sent to the collector.", copies_of);
	print_column(&s, "collector_bytes_total", "counter",
		     "Bytes of the copies sent to the collector, without encapsulation.", bytes_of);
	print_column(&s, "collector_refused_total", "counter",
		     "Copies to the collector that the kernel refused.", refused_of);
	print_column(&s, "collector_reachable", "gauge",
		     "0: nobody listens there, or its host does not answer.", reachable_of);
	return 0;
}

static void add_collector(void *ctx, __u32 group, const char *collector,
			  const struct mirror_collector_counters *c)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "collector", json_object_new_string(collector));
	json_object_object_add(o, "group", json_object_new_int64(group));
	json_object_object_add(o, "copies", json_object_new_uint64(c->copies));
	json_object_object_add(o, "bytes", json_object_new_uint64(c->bytes));
	json_object_object_add(o, "refused", json_object_new_uint64(c->refused));
	json_object_object_add(o, "reachable", json_object_new_boolean(!c->unreachable));
	json_object_array_add(ctx, o);
}

struct json_object *sender_metrics_json(void)
{
	struct json_object *o, *list;
	long pid = shared_sender();
	struct shared s;

	if (pid < 0 || shared_open(&s))
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "up", json_object_new_boolean(pid > 0));
	json_object_object_add(o, "process", json_object_new_int64(pid));
	json_object_object_add(o, "lag_seconds", json_object_new_double(lag_seconds(&s)));
	json_object_object_add(o, "shed_ratio", json_object_new_double(shed_ratio(&s)));

	list = json_object_new_object();
	for (int i = 0; i < SENT_COUNT; i++)
		if (totals[i].name)
			json_object_object_add(list, totals[i].name, json_object_new_uint64(s.sent[i]));
	json_object_object_add(o, "counters", list);

	list = json_object_new_object();
	for (int i = 0; i < MIRROR_ERRNOS; i++)
		if (s.sent_errors[i])
			json_object_object_add(list, errno_name(i), json_object_new_uint64(s.sent_errors[i]));
	json_object_object_add(o, "errors", list);

	list = json_object_new_array();
	each_collector(&s, add_collector, list);
	json_object_object_add(o, "collectors", list);
	return o;
}
