// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* status: what is mirrored where, the counters, and the chain as it is in the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../../common/chain.h"
#include "../../common/log.h"
#include "../host/sender_status.h"
#include "../host/shared.h"
#include "delivery.h"
#include "delivery_options.h"
#include "host_maps.h"
#include "../host/sender_metrics.h"
#include "instance.h"
#include "request.h"
#include "rules.h"

#define MAX_PROBLEMS 8
#define PROBLEM_LEN 256

/* All that status says about one instance. */
struct report {
	const struct instance *instance;
	struct mirror_config config;
	struct configuration *configuration;
	struct counters counters;
	struct chain chain;
	uint32_t program_id;
	char problem[MAX_PROBLEMS][PROBLEM_LEN];
	size_t problems;
};

static void __attribute__((format(printf, 2, 3))) add_problem(struct report *r, const char *format, ...)
{
	va_list args;

	if (r->problems == MAX_PROBLEMS)
		return;
	va_start(args, format);
	vsnprintf(r->problem[r->problems++], PROBLEM_LEN, format, args);
	va_end(args);
}

static bool chained(const struct report *r)
{
	return chain_has(&r->chain, r->program_id);
}

/* What l3afd does to a chain when the seq_id of a running program changes. */
#define SEQ_ID                                                                                             \
	"l3afd does so when the seq_id of a running program changes: delete its programs and deploy them " \
	"anew"

static void check_chain(struct report *r)
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
		add_problem(r, "the chain is cut behind %s (%u): mirroring (%u) is not reached. " SEQ_ID,
			    last->name, last->id, r->program_id);
	if (r->chain.roots > 1)
		add_problem(r,
			    "%zu root programs are attached to %s %s, as after a kill of l3afd v2.1.0: end "
			    "l3afd, "
			    "clean up by tc_root stop --iface=%s, start l3afd",
			    r->chain.roots, iface, direction, iface);
}

static void check_filters(struct report *r)
{
	if (r->configuration->options.started && !r->configuration->filters->n)
		add_problem(r,
			    "no filters. l3afd does not run cmd_update where a changed version is answered "
			    "with 500: delete the program and deploy it anew");
}

static void check_devices(struct report *r)
{
	const struct configuration *c = r->configuration;

	for (size_t i = 0; i < c->filters->n; i++) {
		if (c->filters->at[i].action == ACTION_MIRROR && c->rows[i].exit == EXIT_NONE)
			add_problem(r, "filter %zu has no target yet: start has not named one", i + 1);
		for (size_t d = 0; d < c->rows[i].devices && d < MIRROR_MAX_DEVICES; d++) {
			const struct mirror_device *device = &c->rows[i].device[d];
			struct link link;

			if (netlink_link(device->name, &link))
				add_problem(r, "filter %zu: device %s is gone", i + 1, device->name);
			else if (link.ifindex != (int)device->ifindex)
				add_problem(r, "filter %zu: device %s was made anew: give the filters again",
					    i + 1, device->name);
			else if (!link.up)
				add_problem(r, "filter %zu: device %s is not up", i + 1, device->name);
		}
	}
}

static void check_sender(struct report *r)
{
	if (delivery_needs_rings(r->configuration) && shared_sender() <= 0)
		add_problem(r,
			    "no mirror-sender runs, and copies to collectors are lost: start it by start, or "
			    "have l3afd run cmd_status");
}

static int read_report(const struct instance *i, struct report *r)
{
	int err;

	*r = (struct report){ .instance = i, .config = tables_config(i->tables) };
	r->program_id = instance_program_id(i);
	r->configuration = configuration_new();
	err = r->configuration ? tables_read(i->tables, r->configuration) : -ENOMEM;
	if (!err)
		err = tables_counters(i->tables, &r->counters);
	if (err)
		return err;
	err = chain_read(i->link.ifindex, i->direction, r->program_id, &r->chain);
	if (err)
		add_problem(r, "the chain cannot be read: %s", strerror(-err));
	else
		check_chain(r);
	check_filters(r);
	check_devices(r);
	check_sender(r);
	if (r->config.off)
		add_problem(r, "switched off in the config map");
	return 0;
}

/* The rules, a line each, NULL when out of memory. */
static char *rules_text(const struct report *r)
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

static void print_chain(const struct report *r)
{
	printf("  chain      ");
	for (size_t i = 0; i < r->chain.n; i++)
		printf("%s (%u) -> ", r->chain.at[i].name, r->chain.at[i].id);
	puts(!chained(r) ? "CUT" : r->chain.loop ? "LOOP" : "end");
}

static void print_filters(const struct report *r)
{
	char *text = rules_text(r), *rest = text, *line;

	if (!r->configuration->filters->n)
		puts("  filters    none: nothing is mirrored");
	else
		puts("  filters        packets           bytes  rule");
	for (size_t i = 0; rest && (line = strsep(&rest, "\n")) && *line; i++)
		printf("    %2zu %16llu %15llu  %.120s%s\n", i + 1,
		       (unsigned long long)r->counters.packets[i], (unsigned long long)r->counters.bytes[i],
		       line, strlen(line) > 120 ? " …" : "");
	free(text);
}

static const char *const origin_names[] = {
	[ORIGIN_NONE] = "", [ORIGIN_START] = "start", [ORIGIN_UPDATE] = "update"
};

static void print_report(const struct report *r)
{
	const struct mirror_options *options = &r->configuration->options;

	printf("%s %s: %s, commit %u\n", r->instance->link.name, direction_names[r->instance->direction],
	       r->config.off ? "off" : "on", r->config.generation);
	print_chain(r);
	printf("  pins       %s\n", r->instance->pins.maps);
	for (int o = OPT_FILTERS + 1; o < OPT_COUNT; o++)
		if (options->text[o][0])
			printf("  %-10s %s %s (%s)\n", o == OPT_FILTERS + 1 ? "delivery" : "",
			       delivery_option_names[o], options->text[o],
			       origin_names[options->origin[o] % 3]);
	print_filters(r);
	puts("  counters");
	for (int o = OUT_NONE + 1; o < OUT_COUNT; o++)
		if (r->counters.outcome[o])
			printf("    %-16s %16llu\n", outcome_name(o),
			       (unsigned long long)r->counters.outcome[o]);
	for (size_t i = 0; i < r->problems; i++)
		printf("  PROBLEM    %s\n", r->problem[i]);
}

/* sender: sender_metrics_json(), which is the same for all that need it. */
static struct json_object *report_json(const struct report *r, struct json_object *sender)
{
	struct json_object *o = json_object_new_object(), *list, *item;
	const struct mirror_options *options = &r->configuration->options;
	char *text = rules_text(r), *rest = text, *line;

	json_object_object_add(o, "iface", json_object_new_string(r->instance->link.name));
	json_object_object_add(o, "direction",
			       json_object_new_string(direction_names[r->instance->direction]));
	json_object_object_add(o, "off", json_object_new_boolean(r->config.off));
	json_object_object_add(o, "generation", json_object_new_int64(r->config.generation));
	json_object_object_add(o, "pins", json_object_new_string(r->instance->pins.maps));
	json_object_object_add(o, "program_id", json_object_new_int64(r->program_id));
	json_object_object_add(o, "chained", json_object_new_boolean(chained(r)));

	list = json_object_new_array();
	for (size_t i = 0; i < r->chain.n; i++) {
		item = json_object_new_object();
		json_object_object_add(item, "id", json_object_new_int64(r->chain.at[i].id));
		json_object_object_add(item, "name", json_object_new_string(r->chain.at[i].name));
		json_object_array_add(list, item);
	}
	json_object_object_add(o, "chain", list);

	item = json_object_new_object();
	for (int i = OPT_FILTERS + 1; i < OPT_COUNT; i++)
		if (options->text[i][0])
			json_object_object_add(item, delivery_option_names[i],
					       json_object_new_string(options->text[i]));
	json_object_object_add(o, "delivery", item);

	list = json_object_new_array();
	for (size_t i = 0; rest && (line = strsep(&rest, "\n")) && *line; i++) {
		item = json_object_new_object();
		json_object_object_add(item, "rule", json_object_new_string(line));
		json_object_object_add(item, "packets", json_object_new_uint64(r->counters.packets[i]));
		json_object_object_add(item, "bytes", json_object_new_uint64(r->counters.bytes[i]));
		json_object_array_add(list, item);
	}
	json_object_object_add(o, "filters", list);
	free(text);

	item = json_object_new_object();
	for (int i = OUT_NONE + 1; i < OUT_COUNT; i++)
		json_object_object_add(item, outcome_name(i), json_object_new_uint64(r->counters.outcome[i]));
	json_object_object_add(o, "counters", item);

	if (delivery_needs_rings(r->configuration))
		json_object_object_add(o, "sender", json_object_get(sender));

	list = json_object_new_array();
	for (size_t i = 0; i < r->problems; i++)
		json_object_array_add(list, json_object_new_string(r->problem[i]));
	json_object_object_add(o, "problems", list);
	return o;
}

static bool asked_for(const struct instance *i, const struct request *request)
{
	const char *iface = request->value[ARG_IFACE], *direction = request->value[ARG_DIRECTION];

	return (!iface || !strcmp(iface, i->link.name)) &&
	       (!direction || !strcmp(direction, direction_names[i->direction]));
}

/* Those that the request names: one, or all. */
static int find_instances(const struct request *request, struct instance **instances, size_t *n)
{
	const char *version = request->value[ARG_VERSION];
	int err;

	if (!version || !request->value[ARG_IFACE] || !request->value[ARG_DIRECTION])
		return instance_all(instances, n);
	*n = 0;
	*instances = calloc(1, sizeof(**instances));
	if (!*instances)
		return -ENOMEM;
	err = instance_init(*instances, request->value[ARG_IFACE], request->value[ARG_DIRECTION]);
	if (!err)
		err = instance_find(*instances, version);
	if (!err)
		err = instance_open(*instances);
	if (!err)
		*n = 1;
	return err == -ENOENT ? 0 : err;
}

/* l3afd asks whether it is running, and for nothing else. */
static bool brief(const struct request *request)
{
	return request->from_l3afd && !request->value[ARG_JSON];
}

/*
 * l3afd asks every few seconds: the occasion to start a sender that has ended. It loads programs anew where the answer
 * is more than the one word, so that whatever there is to say goes to the log directory only.
 */
static void answer_l3afd(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
		host_revive_sender();
	}
	fputs("RUNNING", stdout);
}

static int report_all(const struct request *request, const struct instance *instances, size_t n,
		      size_t *found)
{
	struct json_object *list = request->value[ARG_JSON] ? json_object_new_array() : NULL;
	struct json_object *sender = list ? sender_metrics_json() : NULL;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct report report;

		if (!asked_for(&instances[i], request))
			continue;
		(*found)++;
		if (brief(request))
			continue;
		err = read_report(&instances[i], &report);
		if (err)
			log_error("cannot read the maps of %s: %s", instances[i].link.name, strerror(-err));
		else if (list)
			json_object_array_add(list, report_json(&report, sender));
		else
			print_report(&report);
		configuration_free(report.configuration);
	}
	if (list && !err)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	json_object_put(sender);
	return err;
}

int command_status(const struct request *request)
{
	struct instance *instances = NULL;
	size_t n = 0, found = 0;
	bool sender_runs;
	int err = find_instances(request, &instances, &n);

	if (!err)
		err = report_all(request, instances, n, &found);
	instance_free_all(instances, n);
	if (!err && found && brief(request)) {
		answer_l3afd();
	} else if (!err && found && !request->value[ARG_JSON] && shared_sender() != -ENOENT) {
		err = sender_status_print(&sender_runs);
	}
	if (!err && !found && !request->value[ARG_JSON]) {
		log_error("no traffic-mirroring is running%s%s%s%s", request->value[ARG_IFACE] ? " on " : "",
			  request->value[ARG_IFACE] ? request->value[ARG_IFACE] : "",
			  request->value[ARG_DIRECTION] ? " " : "",
			  request->value[ARG_DIRECTION] ? request->value[ARG_DIRECTION] : "");
		err = -ENOENT;
	}
	return err;
}
