/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "report.h"

#include <inttypes.h>

#include "counters/tally.h"

#define PREFIX "l3af_collector_"

static void print_statuses(const struct report *report, FILE *to)
{
	fprintf(to, "# HELP " PREFIX "responses_by_status_total whole responses of a target, by status code\n"
		    "# TYPE " PREFIX "responses_by_status_total counter\n");
	for (uint32_t rule = 0; rule < report->rules->rules; rule++) {
		const struct target_stats *stats = replay_stats(report->replay, rule);

		for (int code = 0; code < TARGET_STATUSES; code++) {
			unsigned long n = atomic_load(&stats->status[code]);

			if (n)
				fprintf(to,
					PREFIX "responses_by_status_total{port=\"%u\",code=\"%03d\"} %lu\n",
					report->rules->rule[rule].port, code, n);
		}
	}
}

static void print_latencies(const struct report *report, FILE *to)
{
	static const char name[] = PREFIX "response_seconds";

	fprintf(to,
		"# HELP %s time from the first byte of a request to the last of its response\n"
		"# TYPE %s histogram\n",
		name, name);
	for (uint32_t rule = 0; rule < report->rules->rules; rule++) {
		const struct target_stats *stats = replay_stats(report->replay, rule);
		unsigned int port = report->rules->rule[rule].port;
		unsigned long sum = 0;

		for (int i = 0; i < TARGET_LATENCIES; i++) {
			sum += atomic_load(&stats->latency[i]);
			if (i < TARGET_LATENCIES - 1)
				fprintf(to, "%s_bucket{port=\"%u\",le=\"%g\"} %lu\n", name, port,
					(double)(TARGET_LATENCY_US << i) / 1e6, sum);
		}
		fprintf(to, "%s_bucket{port=\"%u\",le=\"+Inf\"} %lu\n", name, port, sum);
		fprintf(to, "%s_sum{port=\"%u\"} %.6f\n", name, port,
			(double)atomic_load(&stats->latency_us) / 1e6);
		fprintf(to, "%s_count{port=\"%u\"} %lu\n", name, port, sum);
	}
}

void report_metrics(const struct report *report, FILE *to)
{
	for (int i = 0; i < TALLIES; i++) {
		const struct tally_info *info = &tally_info[i];

		fprintf(to, "# HELP " PREFIX "%s_total %s\n# TYPE " PREFIX "%s_total counter\n", info->name,
			info->help, info->name);
		fprintf(to, PREFIX "%s_total %" PRIu64 "\n", info->name, tally_sum(i));
	}
	if (!report->replay)
		return;
	print_statuses(report, to);
	print_latencies(report, to);
}

/* The upper bound of the bucket in which a share of the answers was reached, in milliseconds. */
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

static void summarize_target(const struct replay_rule *rule, const struct target_stats *stats, FILE *to)
{
	unsigned long answers = 0;

	for (int code = 0; code < TARGET_STATUSES; code++)
		answers += atomic_load(&stats->status[code]);
	fprintf(to, "%-24s %12lu  answers to requests for port %u\n", rule->host, answers, rule->port);
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
	for (uint32_t rule = 0; report->replay && rule < report->rules->rules; rule++)
		summarize_target(&report->rules->rule[rule], replay_stats(report->replay, rule), to);
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
