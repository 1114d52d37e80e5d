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
#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/prometheus.h"
#include "../host/sender_metrics.h"
#include "instance.h"
#include "request.h"

struct sample {
	char iface[IFNAMSIZ];
	enum direction direction;
	struct mirror_config config;
	struct counters counters;
	bool ended; /* the time of --for is over */
	size_t filters;
	struct filter_counts counts[MIRROR_MAX_FILTERS];
	char names[MIRROR_MAX_FILTERS][MIRROR_RULE_NAME_LEN];
	int chained; /* a negative errno: unknown */
};

/* 1, 0, -ENODEV: the interface is not here; or another negative errno: it cannot be read. */
static int read_chained(const struct instance *i)
{
	int64_t program_id = instance_program_id(i);
	struct chain chain;
	int err;

	if (!i->link.ifindex)
		return -ENODEV;
	err = program_id < 0 ? program_id : chain_read(i->link.ifindex, i->direction, program_id, &chain);
	if (!err)
		return chain_has(&chain, program_id);
	log_error("%s %s: the chain cannot be read: %s", i->link.name, direction_names[i->direction],
		  error_text(err));
	return err;
}

static int read_sample(const struct instance *i, struct sample *s)
{
	struct configuration *c = configuration_new();
	int err = c ? tables_counters(i->tables, &s->counters) : -ENOMEM;

	if (!err)
		err = tables_read(i->tables, c);
	if (err) {
		log_error("cannot read the maps of %s: %s", i->link.name, error_text(err));
	} else {
		memcpy(s->iface, i->link.name, sizeof(s->iface));
		s->direction = i->direction;
		s->config = tables_config(i->tables);
		s->ended = c->until_ns && clock_ns(CLOCK_MONOTONIC) >= c->until_ns;
		s->filters = c->filters->n;
		for (size_t f = 0; f < s->filters; f++) {
			s->counts[f] = filter_counts(&s->counters, &c->rows[f]);
			memcpy(s->names[f], c->rows[f].name, sizeof(s->names[f]));
		}
		s->chained = read_chained(i);
	}
	configuration_free(c);
	return err;
}

struct samples {
	struct sample *at;
	size_t n;
	bool incomplete; /* something cannot be read */
};

static int add_sample(void *ctx, const struct instance *i)
{
	struct samples *all = ctx;
	struct sample *grown;

	if (i && i->foreign)
		return 0;
	grown = i ? realloc(all->at, (all->n + 1) * sizeof(*grown)) : NULL;

	if (i && !grown)
		return -ENOMEM;
	if (grown)
		all->at = grown;
	if (i && !read_sample(i, &all->at[all->n])) {
		all->incomplete |= all->at[all->n].chained < 0 && i->link.ifindex;
		all->n++;
	} else {
		all->incomplete = true;
	}
	return 0;
}

static void metric(const char *name, const char *type, const char *help)
{
	prometheus_metric(stdout, name, type, help);
}

static void sample_labelled(const char *name, const struct sample *s, struct prometheus_label one,
			    struct prometheus_label two, uint64_t number)
{
	const struct prometheus_label labels[] = { { "iface", s->iface },
						   { "direction", direction_names[s->direction] },
						   one,
						   two,
						   { NULL, NULL } };

	prometheus_sample(stdout, name, labels, "%" PRIu64, number);
}

/* label, value: one more label, or NULL. */
static void sample(const char *name, const struct sample *s, const char *label, const char *value,
		   uint64_t number)
{
	sample_labelled(name, s, (struct prometheus_label){ label, value }, (struct prometheus_label){},
			number);
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
			sample_labelled(
				name, &s[i], (struct prometheus_label){ "filter", number },
				(struct prometheus_label){ *s[i].names[f] ? "name" : NULL, s[i].names[f] },
				bytes ? s[i].counts[f].bytes : s[i].counts[f].packets);
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
	metric("mirroring_on", "gauge",
	       "1: packets are examined, 0: switched off, or the time of --for is over");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_on", &s[i], NULL, NULL, !s[i].config.off && !s[i].ended);
	metric("mirroring_ended", "gauge", "1: the time of --for is over");
	for (size_t i = 0; i < n; i++)
		sample("mirroring_ended", &s[i], NULL, NULL, s[i].ended);
	metric("mirroring_chained", "gauge",
	       "1: the chain of the interface reaches the program, 0: it is broken");
	for (size_t i = 0; i < n; i++)
		if (s[i].chained >= 0)
			sample("mirroring_chained", &s[i], NULL, NULL, s[i].chained);
}

int command_metrics(const struct request *request)
{
	struct samples all = {};
	int err = instance_each((struct instance_query){}, add_sample, &all);

	(void)request;
	if (err)
		log_error("cannot read the maps: %s", error_text(err));
	else
		print_all(all.at, all.n);
	if (!err)
		err = sender_metrics_print();
	free(all.at);
	return err ? err : all.incomplete ? -EIO : 0;
}
