// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "instance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../../common/chain.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/lock.h"

static const char *const entries[DIRECTIONS] = {
	[INGRESS] = "_ingress_redirect", [EGRESS] = "_egress_redirect"
};

void instance_report_no_link(const char *iface)
{
	log_error("--iface: there is no interface \"%s\"", log_quote(iface).text);
}

/* Looks for the device of this name; where there is none, only the name is set. */
static int find_link(struct instance *i, const char *iface)
{
	int err = netlink_link(iface, &i->link);

	if (err != -ENODEV)
		return err;
	i->link = (struct link){};
	if (strlen(iface) >= sizeof(i->link.name))
		return -ENAMETOOLONG;
	strcpy(i->link.name, iface);
	return 0;
}

int instance_init_pins(struct instance *i, const char *iface, const char *direction)
{
	int err;

	*i = (struct instance){ .lock = -1,
				.direction = strcmp(direction, direction_names[EGRESS]) ? INGRESS : EGRESS };
	err = find_link(i, iface);
	if (err == -ENAMETOOLONG)
		instance_report_no_link(iface);
	else if (err)
		log_error("--iface %s: %s", iface, error_text(err));
	return err;
}

int instance_init(struct instance *i, const char *iface, const char *direction)
{
	int err = instance_init_pins(i, iface, direction);

	if (err || i->link.ifindex)
		return err;
	instance_report_no_link(iface);
	return -ENODEV;
}

static void config_name(enum direction direction, char name[64])
{
	snprintf(name, 64, MAP_PIN_NAME, direction_names[direction], "config");
}

/*
 * Whether the chain of our interface reaches the pinned program, which then is ours whoever committed last.
 */
static bool is_attached(const struct instance *i)
{
	int64_t id = instance_program_id(i);
	struct chain chain;

	return id > 0 && !chain_read(i->link.ifindex, i->direction, id, &chain) && chain_has(&chain, id);
}

/*
 * Two network namespaces may have an interface of the same name, but only one of them can have pins on a
 * bpffs.
 */
static int find_network(struct instance *i)
{
	uint64_t network, ours = netlink_namespace();
	int err = tables_network(i->pins.maps, i->direction, &network);

	i->foreign = !err && network && ours && network != ours && !is_attached(i);
	return err;
}

int instance_find(struct instance *i, const char *version)
{
	char config[64];
	int err;

	config_name(i->direction, config);
	err = pins_find(&i->pins, i->link.name, version, config);
	if (err == -ENOTUNIQ)
		log_error("traffic-mirroring is pinned several times for %s %s: choose one with --version",
			  i->link.name, direction_names[i->direction]);
	else if (err && err != -ENOENT)
		log_error("looking for the pins of %s: %s", i->link.name, error_text(err));
	if (!err)
		err = find_network(i);
	if (!err && i->foreign) {
		log_error("%s belongs to %s of another network namespace: use another bpffs in this one, or "
			  "remove the pins if that one is gone",
			  i->pins.maps, i->link.name);
		err = -EXDEV;
	}
	return err;
}

void instance_report_missing(const struct instance *i, const char *version)
{
	log_error("no traffic-mirroring is pinned for %s %s%s%s: load it with l3afd, or run "
		  "`mirroring start`",
		  i->link.name, direction_names[i->direction], version ? " version " : "",
		  version ? version : "");
}

int instance_lock(struct instance *i)
{
	int fd = lock_directory(i->pins.maps);

	if (fd < 0)
		return fd;
	i->lock = fd;
	return 0;
}

int instance_find_locked(struct instance *i, const char *version)
{
	int err = instance_find(i, version);

	if (!err)
		err = instance_lock(i);
	/* a start may be pinning, or a stop may have been: look again under the lock */
	if (!err) {
		err = instance_find(i, version);
		if (err)
			instance_close(i);
	}
	return err;
}

int instance_open(struct instance *i)
{
	int err;

	i->tables = tables_open_pinned(i->pins.maps, i->direction, &err);
	if (err == -ESTALE)
		log_error(
			"%s: expected %s maps of layout %d, got another layout: use the version of mirroring "
			"that loaded them",
			i->pins.maps, direction_names[i->direction], MIRROR_LAYOUT);
	return err;
}

int instance_open_locked(struct instance *i, const char *iface, const char *direction, const char *version)
{
	int err = instance_init(i, iface, direction);

	if (err)
		return err;
	err = instance_find_locked(i, version);
	if (err == -ENOENT)
		instance_report_missing(i, version);
	return err ? err : instance_open(i);
}

void instance_close(struct instance *i)
{
	tables_close(i->tables);
	i->tables = NULL;
	if (i->lock >= 0)
		close(i->lock);
	i->lock = -1;
}

struct walk {
	const char *direction, *version; /* NULL: any; version as in the paths */
	instance_visit *visit;
	void *ctx;
	bool visited;
};

static int visit_direction(struct walk *w, const struct pins *pins, enum direction direction)
{
	struct instance i = { .direction = direction, .pins = *pins, .lock = -1 };
	char config[64];
	int held, err;

	config_name(direction, config);
	held = pins_hold(pins, config);
	if (!held)
		return 0;
	err = held < 0 ? held : find_link(&i, pins->iface);
	if (err)
		log_error("%s: %s", pins->maps, error_text(err));
	else
		i.tables = tables_open_pinned(pins->maps, direction, &err);
	if (err == -ESTALE) /* it has rings and a sender of its own */
		log_info("%s %s was loaded by a version with another layout", i.link.name,
			 direction_names[direction]);
	/* what was removed since counts as absent */
	if (err == -ESTALE || (err && !pins_hold(pins, config)))
		return 0;
	if (!err)
		err = find_network(&i);
	w->visited = true;
	err = w->visit(w->ctx, err ? NULL : &i);
	instance_close(&i);
	return err;
}

static int visit_pins(void *ctx, const struct pins *pins, int err)
{
	struct walk *w = ctx;

	if (err) {
		log_error("%s: %s", pins->maps, error_text(err));
		w->visited = true;
		return w->visit(w->ctx, NULL);
	}
	if (w->version && strcmp(w->version, pins->version))
		return 0;
	for (enum direction d = INGRESS; d < DIRECTIONS && !err; d++)
		if (!w->direction || !strcmp(w->direction, direction_names[d]))
			err = visit_direction(w, pins, d);
	return err;
}

int instance_each(struct instance_query query, instance_visit *visit, void *ctx)
{
	struct walk w = { .direction = query.direction, .visit = visit, .ctx = ctx };
	char version[NAME_MAX + 1];
	int ret;

	if (query.version && !pins_version(query.version, version))
		w.version = version;
	ret = pins_each(query.iface, visit_pins, &w);
	/* as pins_find(): l3afd v2.1.0 pins flat whatever the version */
	if (w.visited || !w.version)
		return ret;
	w.version = "";
	return pins_each(query.iface, visit_pins, &w);
}

void instance_map_path(const struct instance *i, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/" MAP_PIN_NAME, i->pins.maps, direction_names[i->direction], name) >=
	    PATH_MAX)
		path[0] = '\0'; /* opens nothing: the name was cut */
}

void instance_program_path(const struct instance *i, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s_tc", i->pins.progs, entries[i->direction]) >= PATH_MAX)
		path[0] = '\0';
}

int64_t instance_program_id(const struct instance *i)
{
	char path[PATH_MAX];

	instance_program_path(i, path);
	return bpf_info_pinned_id(path);
}
