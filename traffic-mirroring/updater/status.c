// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* status: what is mirrored where, the counters, and the chain as it is in the kernel. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "../../common/chain.h"
#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "../host/collector.h"
#include "../host/emit.h"
#include "../host/sender_status.h"
#include "../host/shared.h"
#include "delivery.h"
#include "delivery_options.h"
#include "estimate.h"
#include "instance.h"
#include "poll.h"
#include "request.h"
#include "rules.h"

#define MAX_PROBLEMS 8
#define PROBLEM_LEN 256

/* All that status says about one instance. */
struct instance_report {
	const struct instance *instance;
	struct mirror_config config;
	struct configuration *configuration;
	struct counters counters;
	struct chain chain;
	uint32_t program_id;
	int unread; /* a negative errno: the chain and whether it has the program are unknown */
	char problem[MAX_PROBLEMS][PROBLEM_LEN];
	size_t problems;
};

static void __attribute__((format(printf, 2, 3)))
add_problem(struct instance_report *r, const char *format, ...)
{
	va_list args;

	if (r->problems == MAX_PROBLEMS)
		return;
	va_start(args, format);
	vsnprintf(r->problem[r->problems++], PROBLEM_LEN, format, args);
	va_end(args);
}

static bool chained(const struct instance_report *r)
{
	return chain_has(&r->chain, r->program_id);
}

/* What l3afd does to a chain when the seq_id of a running program changes. */
#define SEQ_ID                                                                                             \
	"l3afd does so when the seq_id of a running program changes: delete its programs and deploy them " \
	"again"

static void check_chain(struct instance_report *r)
{
	const char *iface = r->instance->link.name, *direction = direction_names[r->instance->direction];
	const struct chain_program *last = &r->chain.at[r->chain.n ? r->chain.n - 1 : 0];

	if (!r->chain.n)
		add_problem(r, "no root program is attached to %s %s: no packet reaches mirroring", iface,
			    direction);
	else if (r->chain.loop)
		add_problem(
			r,
			"the chain is a loop: %s (%u) leads back, and a packet is copied many times. " SEQ_ID,
			last->name, last->id);
	else if (!chained(r))
		add_problem(r, "the chain is broken after %s (%u): mirroring (%u) is not reached. " SEQ_ID,
			    last->name, last->id, r->program_id);
	if (r->chain.roots > 1)
		add_problem(r,
			    "%zu root programs are attached to %s %s, as after a kill of l3afd v2.1.0: end "
			    "l3afd, "
			    "clean up by tc_root stop --iface=%s, start l3afd",
			    r->chain.roots, iface, direction, iface);
}

static void read_chain(struct instance_report *r)
{
	const struct instance *i = r->instance;
	int64_t id = instance_program_id(i);

	if (id < 0)
		r->unread = id;
	else if (!i->link.ifindex)
		r->unread = -ENODEV;
	else
		r->unread = chain_read(i->link.ifindex, i->direction, id, &r->chain);
	r->program_id = id < 0 ? 0 : id;
	if (!r->unread)
		check_chain(r);
	else if (!i->link.ifindex)
		add_problem(
			r,
			"there is no interface %s here: it was renamed or removed, or is in another network "
			"namespace; stop works with the pins alone",
			i->link.name);
	else
		add_problem(r, "the chain cannot be read: %s", error_text(r->unread));
}

static void check_filters(struct instance_report *r)
{
	if (!r->configuration->options.started)
		add_problem(r, "start has not run, or it failed: its message says why");
	else if (!r->configuration->filters->n)
		add_problem(r,
			    "no filters. l3afd does not run cmd_update where a changed version is answered "
			    "with 500: delete the program and deploy it again");
}

static void check_devices(struct instance_report *r)
{
	const struct configuration *c = r->configuration;

	for (size_t i = 0; i < c->filters->n; i++) {
		for (size_t d = 0; d < row_devices(&c->rows[i]); d++) {
			const struct mirror_device *device = &c->rows[i].device[d];
			struct link link;

			if (netlink_link(device->name, &link))
				add_problem(r, "filter %zu: device %s is gone", i + 1, device->name);
			else if (link.ifindex != (int)device->ifindex)
				add_problem(r, "filter %zu: device %s was recreated; re-apply the filters",
					    i + 1, device->name);
			else if (!link.up)
				add_problem(r, "filter %zu: device %s is not up", i + 1, device->name);
		}
	}
}

static void check_group(struct instance_report *r, const struct shared *shared, uint32_t slot)
{
	struct mirror_collector_counters c;
	struct mirror_group group;
	char text[COLLECTOR_TEXT_LEN];

	if (!shared_group(shared, slot, &group))
		return;
	for (int i = 0; i < group.collectors; i++) {
		c = shared_collector(shared, slot, i);
		if (c.group != group.id)
			continue;
		collector_print(&group.collector[i], text);
		if (shared_collector_fault(&c))
			add_problem(r, "collector %s: %s", text, shared_collector_fault(&c));
		if (c.shed)
			add_problem(r, "collector %s: the path to it is full: %.0f %% of its flows are shed",
				    text, 100 * shared_shed_ratio(c.shed));
	}
}

static void check_collectors(struct instance_report *r, const struct shared *shared)
{
	const struct configuration *c = r->configuration;
	uint32_t legs[MIRROR_MAX_LEGS];
	bool used[MIRROR_MAX_GROUPS] = {};

	for (size_t i = 0; i < c->filters->n; i++) {
		unsigned int n = c->rows[i].exit == EXIT_RING ? shared_legs(shared, c->rows[i].group, legs) :
								0;

		while (n--)
			used[legs[n]] = true;
	}
	for (uint32_t slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		if (used[slot])
			check_group(r, shared, slot);
}

static void check_sender(struct instance_report *r)
{
	long pid = shared_sender();
	struct shared shared;

	if (!delivery_needs_rings(r->configuration))
		return;
	if (!pid || pid == -ENOENT) {
		add_problem(r,
			    "mirror-sender is not running, and copies to collectors are lost: run start, or "
			    "have l3afd run cmd_status");
	} else if (pid < 0) {
		add_problem(r, "whether mirror-sender is running cannot be read: %s", error_text(pid));
	} else if (!shared_open(&shared)) {
		if (!shared_sender_answers(&shared, 0))
			add_problem(r,
				    "mirror-sender, %s, does not answer, and copies wait in the "
				    "rings until they are full: run start, or have l3afd run cmd_status",
				    lock_holder_text(pid));
		check_collectors(r, &shared);
		shared_close(&shared);
	}
}

static int read_report(const struct instance *i, struct instance_report *r)
{
	int err;

	*r = (struct instance_report){ .instance = i, .config = tables_config(i->tables) };
	r->configuration = configuration_new();
	err = r->configuration ? tables_read(i->tables, r->configuration) : -ENOMEM;
	if (!err)
		err = tables_counters(i->tables, &r->counters);
	if (err)
		return err;
	read_chain(r);
	check_filters(r);
	check_devices(r);
	check_sender(r);
	if (r->config.off)
		add_problem(r, "switched off in the config map");
	return 0;
}

/* The rules, a line each, NULL when out of memory. */
static char *rules_text(const struct instance_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return NULL;
	rules_print(memory, r->configuration->filters);
	fclose(memory);
	return text;
}

static void emit_chain(struct emit *e, const struct instance_report *r)
{
	if (r->unread)
		emit_add(e, "chained", NULL);
	else
		emit_bool(e, "chained", chained(r));
	emit_text(e, "  chain      ");
	emit_array(e, "chain");
	for (size_t i = 0; i < r->chain.n; i++) {
		emit_object(e, NULL);
		emit_number(e, "id", r->chain.at[i].id);
		emit_string(e, "name", r->chain.at[i].name);
		emit_end(e);
		emit_text(e, "%s (%u) -> ", r->chain.at[i].name, r->chain.at[i].id);
	}
	emit_end(e);
	emit_text(e, "%s\n", r->unread ? "unknown" : !chained(r) ? "BROKEN" : r->chain.loop ? "LOOP" : "end");
}

static const char *const origin_names[] = {
	[ORIGIN_NONE] = "", [ORIGIN_START] = "start", [ORIGIN_UPDATE] = "update"
};

static void emit_delivery(struct emit *e, const struct mirror_options *options)
{
	emit_object(e, "delivery");
	for (int o = OPT_FILTERS + 1; o < OPT_COUNT; o++) {
		if (!options->text[o][0])
			continue;
		emit_string(e, delivery_option_names[o], options->text[o]);
		emit_text(e, "  %-10s %s %s (%s)\n", o == OPT_FILTERS + 1 ? "delivery" : "",
			  delivery_option_names[o], options->text[o], origin_names[options->origin[o] % 3]);
	}
	emit_end(e);
}

/* Copies of a count rule that mirror would make, on average since the rule was made. */
static void emit_estimate(struct emit *e, const struct instance_report *r, const struct mirror_filter *row,
			  struct filter_counts n)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), until = r->configuration->until_ns;
	double seconds = ((double)(until && until < now ? until : now) - row->since_ns) / SECOND_NS;
	struct estimate estimate;
	struct delivery delivery;

	delivery_parse(&r->configuration->options, &delivery);
	estimate = estimate_copies(row, n, seconds, &delivery);
	emit_object(e, "estimate");
	emit_double(e, "packets_per_second", estimate.packets);
	emit_double(e, "bits_per_second", estimate.bits);
	emit_end(e);
	emit_text(e, "%37s at most %.0f packets/s and %.3f Mbit/s at the collectors\n",
		  "as mirror:", estimate.packets, estimate.bits / 1e6);
}

/* What --for says. */
static void emit_end_of_time(struct emit *e, uint64_t until)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!until)
		return;
	emit_double(e, "ends_in_seconds", now < until ? (double)(until - now) / SECOND_NS : 0);
	if (now < until)
		emit_text(e, "  ends       in %llu s\n", (until - now) / SECOND_NS + 1);
	else
		emit_text(e, "  ended      %llu s ago, as --for says: nothing is mirrored\n",
			  (now - until) / SECOND_NS);
}

static void emit_filters(struct emit *e, const struct instance_report *r)
{
	char *text = rules_text(r), *rest = text, *line;

	emit_text(e, r->configuration->filters->n ? "  filters        packets           bytes  rule\n" :
						    "  filters    none: nothing is mirrored\n");
	emit_array(e, "filters");
	for (size_t i = 0; rest && (line = strsep(&rest, "\n")) && *line; i++) {
		const struct mirror_filter *row = &r->configuration->rows[i];
		struct filter_counts n = filter_counts(&r->counters, row);

		emit_object(e, NULL);
		emit_string(e, "rule", line);
		if (*row->name)
			emit_string(e, "name", row->name);
		emit_number(e, "packets", n.packets);
		emit_number(e, "bytes", n.bytes);
		emit_text(e, "    %2zu %16" PRIu64 " %15" PRIu64 "  %.120s%s\n", i + 1, n.packets, n.bytes,
			  line, strlen(line) > 120 ? " …" : "");
		if (row->action == ACTION_COUNT)
			emit_estimate(e, r, row, n);
		emit_end(e);
	}
	emit_end(e);
	free(text);
}

static void emit_outcomes(struct emit *e, const uint64_t *outcome)
{
	emit_text(e, "  counters\n");
	emit_object(e, "counters");
	for (int o = OUT_NONE + 1; o < OUT_COUNT; o++) {
		emit_number(e, outcome_name(o), outcome[o]);
		if (outcome[o])
			emit_text(e, "    %-16s %16" PRIu64 "\n", outcome_name(o), outcome[o]);
	}
	emit_end(e);
}

/* sender: sender_status_json(), which is the same for all that need it. */
static void emit_report(struct emit *e, const struct instance_report *r, struct json_object *sender)
{
	const char *iface = r->instance->link.name, *direction = direction_names[r->instance->direction];

	emit_object(e, NULL);
	emit_string(e, "iface", iface);
	emit_string(e, "direction", direction);
	emit_bool(e, "off", r->config.off);
	emit_number(e, "generation", r->config.generation);
	emit_string(e, "pins", r->instance->pins.maps);
	emit_number(e, "program_id", r->program_id);
	emit_text(e, "%s %s: %s, commit %u\n", iface, direction, r->config.off ? "off" : "on",
		  r->config.generation);
	emit_chain(e, r);
	emit_text(e, "  pins       %s\n", r->instance->pins.maps);
	emit_delivery(e, &r->configuration->options);
	emit_end_of_time(e, r->configuration->until_ns);
	emit_filters(e, r);
	emit_outcomes(e, r->counters.outcome);
	if (delivery_needs_rings(r->configuration))
		emit_add(e, "sender", json_object_get(sender));
	emit_array(e, "problems");
	for (size_t i = 0; i < r->problems; i++) {
		emit_string(e, NULL, r->problem[i]);
		emit_text(e, "  PROBLEM    %s\n", r->problem[i]);
	}
	emit_end(e);
	emit_end(e);
}

/* What is reported of all instances. */
struct listing {
	struct emit emit;
	struct json_object *sender; /* sender_status_json() */
	size_t found;
	bool incomplete; /* something cannot be read */
};

static int list_instance(void *ctx, const struct instance *i)
{
	struct listing *l = ctx;
	struct instance_report report;
	int err;

	if (i && i->foreign)
		return 0;
	l->found++;
	if (!i) {
		l->incomplete = true;
		return 0;
	}
	err = read_report(i, &report);
	if (err)
		log_error("cannot read the maps of %s: %s", i->link.name, error_text(err));
	else
		emit_report(&l->emit, &report, l->sender);
	if (!err && report.unread && i->link.ifindex) {
		err = report.unread;
		log_error("%s %s: the chain cannot be read: %s", i->link.name, direction_names[i->direction],
			  error_text(err));
	}
	l->incomplete |= err != 0;
	configuration_free(report.configuration);
	return 0;
}

static int list_json(const struct request *request)
{
	struct json_object *list = json_object_new_array();
	struct listing l = { .emit = { .open = { list }, .depth = 1 }, .sender = sender_status_json() };
	int err = instance_each(poll_query(request), list_instance, &l);

	if (!err)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	json_object_put(l.sender);
	return err ? err : l.incomplete ? -EIO : 0;
}

static int list_text(const struct request *request)
{
	struct listing l = { .found = 0 };
	int err = instance_each(poll_query(request), list_instance, &l);
	bool sender_runs;

	if (!err && !l.found) {
		poll_report_none(request);
		return -ENOENT;
	}
	if (!err && shared_sender() != -ENOENT)
		err = sender_status_print(&sender_runs);
	return err ? err : l.incomplete ? -EIO : 0;
}

int command_status(const struct request *request)
{
	if (request->value[ARG_JSON])
		return list_json(request);
	return request->from_l3afd ? poll_answer(request) : list_text(request);
}
