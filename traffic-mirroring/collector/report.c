/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "report.h"

#include <inttypes.h>

#include "../../common/prometheus.h"
#include "counters/tally.h"

/* The second prefix is that of versions before 1.0, kept for one release. */
static const char *const prefixes[] = { "mirroring_collector", "l3af_collector" };

static void print_counters(const char *prefix, FILE *to)
{
	char name[64];

	for (int i = 0; i < TALLIES; i++) {
		snprintf(name, sizeof(name), "%s_%s_total", prefix, tally_info[i].name);
		prometheus_metric(to, name, "counter", tally_info[i].help);
		prometheus_sample(to, name, NULL, "%" PRIu64, tally_sum(i));
	}
}

/* A target's name and its rule's port, as values of labels. */
struct place {
	char port[12];
	const char *target;
};

static struct place place_of(const struct report *report, uint32_t target)
{
	const struct replay_target *t = &report->rules->target[target];
	struct place place = { .target = t->host };

	snprintf(place.port, sizeof(place.port), "%u", report->rules->rule[t->rule].port);
	return place;
}

static void print_statuses(const struct report *report, const char *prefix, FILE *to)
{
	char name[64], code[12];

	snprintf(name, sizeof(name), "%s_responses_by_status_total", prefix);
	prometheus_metric(to, name, "counter", "whole responses of an HTTP target, by status code");
	for (uint32_t i = 0; i < report->rules->targets; i++) {
		const struct target_stats *stats = replay_stats(report->replay, i);
		struct place place = place_of(report, i);
		const struct prometheus_label labels[] = {
			{ "port", place.port }, { "target", place.target }, { "code", code }, { NULL, NULL }
		};

		for (int status = 0; stats && status < TARGET_STATUSES; status++) {
			unsigned long n = atomic_load(&stats->status[status]);

			snprintf(code, sizeof(code), "%03d", status);
			if (n)
				prometheus_sample(to, name, labels, "%lu", n);
		}
	}
}

/* The histogram of one target. */
static void print_latency(const char *name, const struct place *place, const struct target_stats *stats,
			  FILE *to)
{
	char sample[64], bound[24];
	const struct prometheus_label labels[] = {
		{ "port", place->port }, { "target", place->target }, { "le", bound }, { NULL, NULL }
	};
	const struct prometheus_label only_place[] = { labels[0], labels[1], { NULL, NULL } };
	unsigned long sum = 0;

	snprintf(sample, sizeof(sample), "%s_bucket", name);
	for (int i = 0; i < TARGET_LATENCIES; i++) {
		sum += atomic_load(&stats->latency[i]);
		snprintf(bound, sizeof(bound), i < TARGET_LATENCIES - 1 ? "%g" : "+Inf",
			 (double)(TARGET_LATENCY_US << i) / 1e6);
		prometheus_sample(to, sample, labels, "%lu", sum);
	}
	snprintf(sample, sizeof(sample), "%s_sum", name);
	prometheus_sample(to, sample, only_place, "%.6f", (double)atomic_load(&stats->latency_us) / 1e6);
	snprintf(sample, sizeof(sample), "%s_count", name);
	prometheus_sample(to, sample, only_place, "%lu", sum);
}

static void print_latencies(const struct report *report, const char *prefix, FILE *to)
{
	char name[48];

	snprintf(name, sizeof(name), "%s_response_seconds", prefix);
	prometheus_metric(to, name, "histogram",
			  "time from the first byte of a request to the last byte of its response");
	for (uint32_t i = 0; i < report->rules->targets; i++) {
		const struct target_stats *stats = replay_stats(report->replay, i);
		struct place place = place_of(report, i);

		if (stats)
			print_latency(name, &place, stats, to);
	}
}

void report_metrics(const struct report *report, FILE *to)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		print_counters(prefixes[i], to);
		if (!report->replay)
			continue;
		print_statuses(report, prefixes[i], to);
		print_latencies(report, prefixes[i], to);
	}
}

/* The upper bound in milliseconds of the bucket that contains this quantile of the responses. */
static double latency_ms(const struct target_stats *stats, double share)
{
	unsigned long all = 0, sum = 0;
	int i;

	for (i = 0; i < TARGET_LATENCIES; i++)
		all += atomic_load(&stats->latency[i]);
	for (i = 0; i < TARGET_LATENCIES - 1; i++) {
		sum += atomic_load(&stats->latency[i]);
		if (sum >= share * all)
			break;
	}
	return (double)(TARGET_LATENCY_US << i) / 1e3;
}

static void summarize_target(const struct place *place, const struct target_stats *stats, FILE *to)
{
	unsigned long answers = 0;

	for (int code = 0; code < TARGET_STATUSES; code++)
		answers += atomic_load(&stats->status[code]);
	fprintf(to, "%-24s %12lu  answers to requests for port %s\n", place->target, answers, place->port);
	for (int code = 0; code < TARGET_STATUSES; code++) {
		unsigned long n = atomic_load(&stats->status[code]);

		if (n)
			fprintf(to, "  status %03d             %12lu\n", code, n);
	}
	if (answers)
		fprintf(to, "  latency                %12.3f ms on average, half within %.3f, 99 %% within %.3f\n",
			(double)atomic_load(&stats->latency_us) / 1e3 / answers, latency_ms(stats, 0.5),
			latency_ms(stats, 0.99));
}

void report_summary(const struct report *report, FILE *to)
{
	for (int i = 0; i < TALLIES; i++)
		fprintf(to, "%-24s %12" PRIu64 "  %s\n", tally_info[i].name, tally_sum(i),
			tally_info[i].help);
	for (uint32_t i = 0; report->replay && i < report->rules->targets; i++) {
		const struct target_stats *stats = replay_stats(report->replay, i);
		struct place place = place_of(report, i);

		if (stats)
			summarize_target(&place, stats, to);
	}
}

void report_progress(const struct report *report, FILE *to, bool terminal)
{
	static uint64_t packets_before;
	uint64_t packets = tally_sum(TALLY_PACKETS);

	fprintf(to, "%s%" PRIu64 " packets (%" PRIu64 "/s), %" PRIu64 " dropped, %" PRIu64 " written",
		terminal ? "\r\033[K" : "", packets, packets - packets_before, tally_sum(TALLY_KERNEL_DROPS),
		tally_sum(TALLY_WRITTEN));
	packets_before = packets;
	if (report->replay)
		fprintf(to,
			", %" PRIu64 " requests, %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64 " gaps",
			tally_sum(TALLY_REQUESTS), tally_sum(TALLY_REQUESTS_SENT), tally_sum(TALLY_RESPONSES),
			tally_sum(TALLY_GAPS));
	fputs(terminal ? "" : "\n", to);
	fflush(to);
}
