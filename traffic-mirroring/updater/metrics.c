// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * metrics: every counter in Prometheus' text exposition format 0.0.4, for node_exporter's textfile collector.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/chain.h"
#include "../../common/log.h"
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

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* label, value: one more label, or NULL. */
static void line(const char *name, const struct sample *s, const char *label, const char *value,
		 uint64_t number)
{
	printf("%s{iface=\"%s\",direction=\"%s\"", name, s->instance->link.name,
	       direction_names[s->instance->direction]);
	if (label)
		printf(",%s=\"%s\"", label, value);
	printf("} %llu\n", (unsigned long long)number);
}

static void print_outcomes(const struct sample *s, size_t n)
{
	head("mirroring_packets_total", "counter", "Packets that took this way out of the data path.");
	for (size_t i = 0; i < n; i++)
		for (int o = OUT_NONE + 1; o < OUT_COUNT; o++)
			line("mirroring_packets_total", &s[i], "outcome", outcome_name(o),
			     s[i].counters.outcome[o]);
}

static void print_filters(const char *name, const char *help, const struct sample *s, size_t n, bool bytes)
{
	char number[24];

	head(name, "counter", help);
	for (size_t i = 0; i < n; i++) {
		for (size_t f = 0; f < s[i].filters; f++) {
			snprintf(number, sizeof(number), "%zu", f + 1);
			line(name, &s[i], "filter", number,
			     bytes ? s[i].counters.bytes[f] : s[i].counters.packets[f]);
		}
	}
}

static void print_all(const struct sample *s, size_t n)
{
	print_outcomes(s, n);
	print_filters("mirroring_filter_packets_total", "Packets that the filter of this number decided.", s,
		      n, false);
	print_filters("mirroring_filter_bytes_total",
		      "Bytes of the packets that the filter of this number decided.", s, n, true);
	head("mirroring_filters", "gauge", "Filters in force.");
	for (size_t i = 0; i < n; i++)
		line("mirroring_filters", &s[i], NULL, NULL, s[i].filters);
	head("mirroring_commits_total", "counter", "Commits since the program was loaded.");
	for (size_t i = 0; i < n; i++)
		line("mirroring_commits_total", &s[i], NULL, NULL, s[i].config.generation);
	head("mirroring_on", "gauge", "1: packets are looked at, 0: switched off.");
	for (size_t i = 0; i < n; i++)
		line("mirroring_on", &s[i], NULL, NULL, !s[i].config.off);
	head("mirroring_chained", "gauge",
	     "1: the chain of the interface reaches the program, 0: it is cut.");
	for (size_t i = 0; i < n; i++)
		line("mirroring_chained", &s[i], NULL, NULL, s[i].chained);
}

int command_metrics(const struct request *request)
{
	struct instance *instances = NULL;
	struct sample *samples = NULL;
	size_t n = 0;
	int err = instance_all(&instances, &n);

	(void)request;
	if (!err)
		samples = calloc(n + 1, sizeof(*samples));
	if (!err && !samples)
		err = -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		err = read_sample(&instances[i], &samples[i]);
	if (!err) {
		print_all(samples, n);
		err = sender_metrics_print();
	}
	if (err)
		log_error("cannot read the maps: %s", strerror(-err));
	free(samples);
	instance_free_all(instances, n);
	return err;
}
