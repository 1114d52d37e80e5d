// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * metrics: every counter in Prometheus' text format, for node_exporter's textfile collector.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/chain.h"
#include "../../common/log.h"
#include "../../common/prometheus.h"
#include "../host/sender_metrics.h"
#include "instance.h"
#include "request.h"

struct sample {
	const struct instance *instance;
	struct mirror_config config;
	struct counters counters;
	size_t filters;
	bool chained;
};

static int read_sample(const struct instance *i, struct sample *s)
{
	struct configuration *c = configuration_new();
	uint32_t program_id = instance_program_id(i);
	struct chain chain;
	int err = c ? tables_counters(i->tables, &s->counters) : -ENOMEM;

	if (!err)
		err = tables_read(i->tables, c);
	if (!err) {
		s->instance = i;
		s->config = tables_config(i->tables);
		s->filters = c->filters->n;
		s->chained = !chain_read(i->link.ifindex, i->direction, program_id, &chain) &&
			     chain_has(&chain, program_id);
	}
	configuration_free(c);
	return err;
}

static void metric(const char *name, const char *type, const char *help)
{
	prometheus_metric(stdout, name, type, help);
}

/* label, value: one more label, or NULL. */
static void sample(const char *name, const struct sample *s, const char *label, const char *value,
		   uint64_t number)
{
	const struct prometheus_label labels[] = { { "iface", s->instance->link.name },
						   { "direction", direction_names[s->instance->direction] },
						   { label, value },
						   { NULL, NULL } };

	prometheus_sample(stdout, name, labels, "%" PRIu64, number);
}

static void print_outcomes(const struct sample *s, size_t n)
{
	metric("mirroring_packets_total", "counter", "packets by their outcome in the data path");
	for (size_t i = 0; i < n; i++)
		for (int o = OUT_NONE + 1; o < OUT_COUNT; o++)
			sample("mirroring_packets_total", &s[i], "outcome", outcome_name(o),
			       s[i].counters.outcome[o]);
}

static void print_filters(const char *name, const char *help, const struct sample *s, size_t n, bool bytes)
{
	char number[24];

	metric(name, "counter", help);
	for (size_t i = 0; i < n; i++) {
		for (size_t f = 0; f < s[i].filters; f++) {
			snprintf(number, sizeof(number), "%zu", f + 1);
			sample(name, &s[i], "filter", number,
			       bytes ? s[i].counters.bytes[f] : s[i].counters.packets[f]);
		}
	}
}

static void print_all(const struct sample *s, size_t n)
{
	print_outcomes(s, n);
	print_filters("mirroring_filter_packets_total", "packets decided by the filter with this number", s,
		      n, false);
	print_filters("mirroring_filter_bytes_total",
		      "bytes of the packets decided by the filter with this number", s, n, true);
	metric("mirroring_filters", "gauge", "active filters");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_filters", &s[i], NULL, NULL, s[i].filters);
	metric("mirroring_commits_total", "counter", "commits since the program was loaded");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_commits_total", &s[i], NULL, NULL, s[i].config.generation);
	metric("mirroring_on", "gauge", "1: packets are examined, 0: switched off");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_on", &s[i], NULL, NULL, !s[i].config.off);
	metric("mirroring_chained", "gauge",
	       "1: the chain of the interface reaches the program, 0: it is broken");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_chained", &s[i], NULL, NULL, s[i].chained);
}

int command_metrics(const struct request *request)
{
	struct instance *instances = NULL;
	struct sample *samples = NULL;
	size_t n = 0, ours = 0;
	int err = instance_all(&instances, &n);

	(void)request;
	if (!err)
		samples = calloc(n + 1, sizeof(*samples));
	if (!err && !samples)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		if (!instances[i].foreign)
			err = read_sample(&instances[i], &samples[ours++]);
	if (!err) {
		print_all(samples, ours);
		err = sender_metrics_print();
	}
	if (err)
		log_error("cannot read the maps: %s", strerror(-err));
	free(samples);
	instance_free_all(instances, n);
	return err;
}
