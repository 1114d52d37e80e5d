// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../sender/shared.h"
#include "collector.h"
#include "host_maps.h"

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
			printf("mirroring_sender_errors_total{errno=\"%s\"} %llu\n",
			       strerrorname_np(i) ? strerrorname_np(i) : "unknown", s->sent_errors[i]);
}

/* Calls print for every collector that has counters. */
static void each_collector(const struct shared *s,
			   void (*print)(const char *labels, const struct mirror_collector_counters *c))
{
	char text[FILTER_TARGET_LEN], labels[FILTER_TARGET_LEN + 48];

	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		const struct mirror_group *g = &s->groups[slot];

		for (int i = 0; g->id && i < g->collectors; i++) {
			const struct mirror_collector_counters *c =
				&s->collectors[slot * MIRROR_MAX_COLLECTORS + i];

			if (c->group != g->id)
				continue;
			collector_print(&g->collector[i], text);
			snprintf(labels, sizeof(labels), "{group=\"%u\",collector=\"%s\"}", g->id, text);
			print(labels, c);
		}
	}
}

static void print_copies(const char *labels, const struct mirror_collector_counters *c)
{
	printf("mirroring_sender_collector_copies_total%s %llu\n", labels, c->copies);
}

static void print_bytes(const char *labels, const struct mirror_collector_counters *c)
{
	printf("mirroring_sender_collector_bytes_total%s %llu\n", labels, c->bytes);
}

static void print_refused(const char *labels, const struct mirror_collector_counters *c)
{
	printf("mirroring_sender_collector_refused_total%s %llu\n", labels, c->refused);
}

static void print_reachable(const char *labels, const struct mirror_collector_counters *c)
{
	printf("mirroring_sender_collector_reachable%s %d\n", labels, !c->unreachable);
}

int host_metrics_print(void)
{
	long pid = host_sender();
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
	printf("mirroring_sender_lag_seconds %g\n", s.sent[SENT_LAG_MS] / 1e3);
	head("shed_ratio", "gauge",
	     "Share of the flows that are left out for want of speed or by --max-rate.");
	printf("mirroring_sender_shed_ratio %g\n", s.state->shed / (double)UINT32_MAX);
	print_totals(&s);
	head("collector_copies_total", "counter", "Copies sent to the collector.");
	each_collector(&s, print_copies);
	head("collector_bytes_total", "counter",
	     "Bytes of the copies sent to the collector, without encapsulation.");
	each_collector(&s, print_bytes);
	head("collector_refused_total", "counter", "Copies to the collector that the kernel refused.");
	each_collector(&s, print_refused);
	head("collector_reachable", "gauge", "0: nobody listens there, or its host does not answer.");
	each_collector(&s, print_reachable);
	return 0;
}
