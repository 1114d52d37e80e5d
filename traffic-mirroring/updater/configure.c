// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * start, update, stop, rollback. Everything is validated, and devices are looked up, before a map is touched.
 *
 * start and update may run at the same moment, in either order, and neither waits for the other: each option
 * records which command set it, and update overrides start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "counters.h"
#include "delivery.h"
#include "host_maps.h"
#include "instance.h"
#include "load.h"
#include "request.h"
#include "route.h"
#include "rules.h"
#include "settings.h"
#include "../../common/file.h"

#define START_SECONDS 5 /* how long update waits for a start that has not run yet */
#define START_POLL_MS 50

/* What a start or update asks for. */
struct change {
	enum mirror_origin origin;
	struct filter_set *filters; /* NULL: not named */
	const char *text[OPT_COUNT]; /* NULL: not named */
	struct delivery delivery; /* the values of the texts */
	struct settings_change settings;
};

int request_filters(const struct request *request, struct filter_set **filters)
{
	const struct upstream_filter upstream = {
		.src_address = request->value[ARG_SRC_ADDRESS],
		.dst_address = request->value[ARG_DST_ADDRESS],
		.src_port = request->value[ARG_SRC_PORT],
		.dst_port = request->value[ARG_DST_PORT],
		.protocol = request->value[ARG_PROTOCOL],
		.domain = request->value[ARG_DOMAIN],
	};
	const char *rules = request->value[ARG_RULES], *file = request->value[ARG_RULES_FILE];
	bool by_options = upstream.src_address || upstream.dst_address || upstream.src_port ||
			  upstream.dst_port || upstream.protocol || upstream.domain;
	char *text = NULL;
	int err;

	*filters = NULL;
	if (!rules && !file && !by_options)
		return 0;
	if ((rules != NULL) + (file != NULL) + by_options > 1) {
		log_error("filters are given twice: use one of --rules, --rules-file, and %s",
			  "--src-address --dst-address --src-port --dst-port --protocol --domain");
		return ARGS_USAGE;
	}
	if (file) {
		err = file_read("--rules-file", file, &text);
		if (err)
			return err;
	}
	*filters = filter_set_new();
	if (!*filters)
		err = -ENOMEM;
	else if (by_options)
		err = rules_from_upstream(&upstream, *filters);
	else
		err = rules_parse(file ? file : "rules", file ? text : rules, *filters);
	free(text);
	if (err) {
		filter_set_free(*filters);
		*filters = NULL;
	}
	return err == -EINVAL && !file ? ARGS_USAGE : err;
}

static int parse_change(const struct request *request, enum mirror_origin origin, struct change *change)
{
	int err;

	*change = (struct change){
		.origin = origin,
		.delivery = request->delivery,
		.settings = settings_of(request),
	};
	for (int option = OPT_FILTERS + 1; option < OPT_COUNT; option++) {
		/* both enums have the options of delivery in the order of MIRROR_OPTIONS */
		const char *text = request->value[ARG_TUNNEL_INTERFACE + option - OPT_TUNNEL_INTERFACE];

		if (text && strlen(text) >= MIRROR_OPTION_LEN) {
			log_error("--%s: expected up to %d characters, got %zu",
				  delivery_option_names[option], MIRROR_OPTION_LEN - 1, strlen(text));
			return ARGS_USAGE;
		}
		change->text[option] = text;
	}
	err = request_filters(request, &change->filters);
	return err ? err : delivery_check_local_address(&change->delivery);
}

/* start does not override update, even if it runs later. */
static bool takes_over(const struct change *change, struct mirror_options *options, enum mirror_option option)
{
	if (change->origin == ORIGIN_START && options->origin[option] == ORIGIN_UPDATE)
		return false;
	options->origin[option] = change->origin;
	return true;
}

/* Of --for, which begins now. */
static uint64_t end_of(const struct delivery *d)
{
	return d->seconds ? clock_ns(CLOCK_MONOTONIC) + d->seconds * SECOND_NS : 0;
}

static void apply(struct change *change, struct configuration *c)
{
	for (int option = 0; option < OPT_COUNT; option++) {
		if (option == OPT_FILTERS || !change->text[option])
			continue;
		if (!takes_over(change, &c->options, option))
			continue;
		memset(c->options.text[option], 0, MIRROR_OPTION_LEN);
		strncpy(c->options.text[option], change->text[option], MIRROR_OPTION_LEN - 1);
		delivery_copy_option(option, &c->delivery, &change->delivery);
		if (option == OPT_FOR)
			c->until_ns = end_of(&c->delivery);
	}
	if (change->filters && takes_over(change, &c->options, OPT_FILTERS)) {
		struct filter_set *old = c->filters;

		c->filters = change->filters;
		change->filters = old;
	} else if (change->filters) {
		log_warn("the filters that update gave stay; stop forgets them");
	}
	settings_take_over(&change->settings, change->origin, c->options.setting_origin);
	if (change->origin == ORIGIN_START)
		c->options.started = 1;
}

/* What becomes of an instance. */
struct plan {
	struct configuration *c;
	struct routes routes;
};

static void plan_end(struct plan *p, bool done)
{
	if (!p->c)
		return;
	routes_end(&p->routes, done);
	host_release();
	configuration_free(p->c);
}

/*
 * Applies a change to what is in force (nothing, if the instance is not open) and checks all that can be
 * refused. plan_end() must follow, even after an error.
 */
static int make_plan(const struct instance *i, struct change *change, struct plan *p)
{
	struct mirror_filter rows[MIRROR_MAX_FILTERS];
	const struct filter_set *filters;
	struct delivery before;
	int err;

	*p = (struct plan){ .c = configuration_new(), .routes.lock = -1 };
	err = p->c ? 0 : -ENOMEM;
	if (!err && i->tables)
		err = tables_read(i->tables, p->c);
	if (err && !log_reported())
		log_error("cannot read the maps of %s: %s", i->link.name, error_text(err));
	if (err)
		return err;
	delivery_parse(&p->c->options, &p->c->delivery);
	before = p->c->delivery;
	filters = p->c->filters;
	memcpy(rows, p->c->rows, sizeof(rows));
	apply(change, p->c); /* keeps these filters */
	err = delivery_resolve(p->c, i);
	if (!err)
		err = counters_keep(filters, rows, p->c);
	if (!err)
		err = tables_check(p->c);
	if (!err)
		err = routes_plan(&p->routes, &before, &p->c->delivery);
	return err ? err : delivery_check_routes(p->c, &p->routes);
}

/* The last leg first: each holds the id of the next one. Sets the id of the first. */
static int put_legs(struct host *host, struct legs *legs, __u32 *id)
{
	int err = 0;

	*id = 0;
	for (size_t leg = legs->n; leg-- > 0 && !err;) {
		legs->at[leg].next = *id;
		err = host_put_group(host, &legs->at[leg]);
		*id = legs->at[leg].id;
	}
	return err;
}

static int put_groups(struct host *host, struct configuration *c)
{
	int err = 0;

	for (size_t f = 0; f < c->filters->n && !err; f++)
		if (c->rows[f].exit == EXIT_RING)
			err = put_legs(host, &c->legs[f], &c->rows[f].group);
	return err;
}

/*
 * Puts a plan in force: groups (which nobody uses until the commit), routes (which the sender needs), rings
 * and sender for those filters that have collectors, at last the filters. The host stays locked until then.
 */
static int put_in_force(struct instance *i, const struct change *change, struct plan *p)
{
	bool rings = delivery_needs_rings(p->c), flows = configuration_uses_flows(p->c);
	struct host *host = NULL;
	int err = 0;

	if (rings || flows || settings_any(&change->settings)) {
		host = host_lock(&err);
		if (!err)
			err = put_groups(host, p->c);
	}
	if (!err)
		err = routes_make(&p->routes);
	if (!err && host)
		err = host_set(host, &change->settings, rings);
	if (!err && flows)
		err = host_set_flows(host, i, p->c);
	if (!err && (rings || flows))
		err = host_attach(host, i->tables);
	if (!err && host)
		err = host_ensure_sender(host);
	if (!err)
		err = tables_commit(i->tables, p->c, i->link.l3);
	if (host)
		host_end(host, !err);
	if (!err)
		log_info("%s %s: %zu filter%s in force", i->link.name, direction_names[i->direction],
			 p->c->filters->n, p->c->filters->n == 1 ? "" : "s");
	return err;
}

/* Finds, locks and opens what start has set up. 1, silently: it is not there yet. */
static int find_started(struct instance *i, const char *version)
{
	int err = instance_find_locked(i, version);

	if (err)
		return err == -ENOENT ? 1 : err;
	err = instance_open(i);
	if (!err && !tables_started(i->tables))
		err = 1;
	if (err)
		instance_close(i);
	return err;
}

/* The same, waiting for a start that was called at the same moment. -ENOENT: none came, or it failed. */
static int await_started(struct instance *i, const char *version)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + START_SECONDS * SECOND_NS;
	int err;

	while ((err = find_started(i, version)) > 0 && clock_ns(CLOCK_MONOTONIC) < end)
		sleep_ms(START_POLL_MS);
	if (err <= 0)
		return err;
	if (instance_find(i, version))
		instance_report_missing(i, version);
	else
		log_error("%s %s: start has not run, or it failed: its message says why", i->link.name,
			  direction_names[i->direction]);
	return -ENOENT;
}

static int place_locked(struct instance *i, const char *version)
{
	int err = load_place(i, version);

	/* a stop that prunes the directory between the two is a reason to make it again */
	for (int tries = 0; !err && tries < 3; tries++) {
		err = pins_mkdir(i->pins.maps);
		if (err) {
			log_error("%s: %s; is a bpffs mounted at %s?", i->pins.maps, strerror(-err), BPFFS);
			return err;
		}
		err = instance_lock(i);
		if (err != -ENOENT)
			break;
		err = 0;
	}
	return err ? err : i->lock >= 0 ? 0 : -ENOENT;
}

int command_start(const struct request *request)
{
	const char *version = request->value[ARG_VERSION], *map_name = request->value[ARG_MAP_NAME];
	struct instance i = { .lock = -1 };
	struct change change = {};
	struct plan plan = {};
	/* l3afd, which names no command, gives the map where it leaves the loading to us */
	bool loads = map_name || !request->from_l3afd, fresh = false;
	int err = parse_change(request, ORIGIN_START, &change);

	if (!err)
		err = instance_init(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION]);
	if (err)
		goto out;
	if (!i.link.up)
		log_warn("interface %s is not up", i.link.name);

	err = instance_find_locked(&i, version);
	if (err == -ENOENT && loads)
		err = place_locked(&i, version);
	else if (err == -ENOENT)
		instance_report_missing(&i, version);
	if (!err)
		err = load_check_root(&i);
	fresh = !err && loads && instance_program_id(&i) == 0;
	if (!err && !fresh)
		err = instance_open(&i);
	if (!err)
		err = make_plan(&i, &change, &plan);
	if (!err && loads)
		err = load_chained(&i, map_name);
	if (!err && fresh)
		err = instance_open(&i);
	if (!err)
		err = put_in_force(&i, &change, &plan);
	/* a start that fails leaves nothing behind that it made */
	if (err && fresh && load_is_ours(&i))
		unload_chained(&i);
	if (err)
		pins_prune(i.pins.maps);
	plan_end(&plan, !err);
out:
	filter_set_free(change.filters);
	instance_close(&i);
	return err;
}

int command_update(const struct request *request)
{
	const char *version = request->value[ARG_VERSION];
	struct instance i = { .lock = -1 };
	struct change change = {};
	struct plan plan = {};
	int err = parse_change(request, ORIGIN_UPDATE, &change);

	if (!err)
		err = instance_init(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION]);
	if (!err)
		err = await_started(&i, version);
	if (!err)
		err = make_plan(&i, &change, &plan);
	if (!err)
		err = put_in_force(&i, &change, &plan);
	plan_end(&plan, !err);
	filter_set_free(change.filters);
	instance_close(&i);
	return err;
}

/* The configuration that rollback restores, too: it would keep its collectors, and so the sender. */
static int empty(struct instance *i)
{
	struct configuration *nothing = configuration_new();
	int err = 0;

	if (!nothing) {
		log_error("cannot empty the maps of %s: %s", i->link.name, strerror(ENOMEM));
		return -ENOMEM;
	}
	for (int bank = 0; bank < MIRROR_BANKS && !err; bank++)
		err = tables_commit(i->tables, nothing, i->link.l3);
	configuration_free(nothing);
	return err;
}

/*
 * Opens the maps and takes the mark of start away, before anything that takes time: l3afd loads the program
 * again if its poll hears RUNNING from now on. started: whether the mark was there.
 */
static int open_to_end(struct instance *i, bool *started)
{
	int err;

	tables_close(i->tables);
	err = instance_open(i);
	*started = i->tables && tables_started(i->tables);
	if (*started)
		tables_set_started(i->tables, false);
	return err;
}

/* As instance_find_locked(), and opens the maps: again under the lock, as they may be others by then. */
static int find_to_end(struct instance *i, const char *version, int *opened, bool *started)
{
	bool again;
	int err = instance_find(i, version);

	if (err)
		return err;
	/* the program is pinned last: without it, the lock may be that of a start that is still loading */
	if (instance_program_id(i) > 0)
		*opened = open_to_end(i, started);
	err = instance_find_locked(i, version);
	if (err && i->tables && *started)
		tables_set_started(i->tables, true);
	if (err || *opened)
		return err;
	*opened = open_to_end(i, &again);
	*started |= again;
	return 0;
}

/* Ours is unloaded; l3afd's stays for l3afd to unload, and copies nothing. */
static int end(struct instance *i, bool started)
{
	unsigned int bank = i->tables ? tables_config(i->tables).bank : 0;
	const struct delivery nothing = {};
	struct delivery before = {};
	struct routes routes;
	bool emptied;
	int err;

	if (i->tables)
		tables_delivery(i->tables, &before);
	err = routes_plan(&routes, &before, &nothing);
	if (!err)
		err = load_is_ours(i) ? unload_chained(i) : empty(i);
	/* also if only the previous configuration could not be emptied */
	emptied = i->tables && tables_config(i->tables).bank != bank;
	routes_end(&routes, !err || emptied);
	if (err && started && i->tables && !emptied)
		tables_set_started(i->tables, true);
	return err;
}

int command_stop(const struct request *request)
{
	bool started = false;
	struct instance i;
	int opened = 0,
	    err = instance_init_pins(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION]);

	if (err)
		return err;
	err = find_to_end(&i, request->value[ARG_VERSION], &opened, &started);
	if (err == -ENOENT && !i.link.ifindex) {
		instance_report_no_link(request->value[ARG_IFACE]);
		return err;
	}
	if (err == -ENOENT) {
		log_info("%s %s: nothing to stop", i.link.name, direction_names[i.direction]);
		return 0;
	}
	/* what start loaded can be unloaded without its maps */
	if (!err && opened && !load_is_ours(&i))
		err = opened;
	if (!err)
		err = end(&i, started);
	instance_close(&i);
	if (err)
		return err;
	/* unlocked: it waits for the sender's end, and to the poll a lock is a sign of a start to come */
	err = host_release();
	log_info("%s %s: stopped", i.link.name, direction_names[i.direction]);
	return err;
}

static int roll_back(struct instance *i)
{
	struct delivery before, now;
	struct routes routes;
	int err = tables_previous_delivery(i->tables, &now);

	if (err) {
		log_error("%s %s: there is no previous configuration", i->link.name,
			  direction_names[i->direction]);
		return err;
	}
	tables_delivery(i->tables, &before);
	err = routes_plan(&routes, &before, &now);
	if (!err)
		err = routes_make(&routes);
	if (!err)
		err = tables_rollback(i->tables);
	routes_end(&routes, !err);
	if (!err)
		log_info("%s %s: the previous configuration is in force", i->link.name,
			 direction_names[i->direction]);
	return err;
}

int command_rollback(const struct request *request)
{
	struct instance i;
	int err = instance_open_locked(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION],
				       request->value[ARG_VERSION]);

	if (!err)
		err = roll_back(&i);
	instance_close(&i);
	return err;
}
