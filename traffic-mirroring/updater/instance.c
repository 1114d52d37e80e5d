// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "instance.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../../common/chain.h"
#include "../../common/log.h"
#include "../../common/lock.h"

static const char *const entries[DIRECTIONS] = {
	[INGRESS] = "_ingress_redirect", [EGRESS] = "_egress_redirect"
};

int instance_init(struct instance *i, const char *iface, const char *direction)
{
	int err;

	*i = (struct instance){ .lock = -1,
				.direction = strcmp(direction, direction_names[EGRESS]) ? INGRESS : EGRESS };
	err = netlink_link(iface, &i->link);
	if (err == -ENODEV)
		log_error("--iface: there is no interface \"%s\"", log_quote(iface).text);
	else if (err)
		log_error("--iface %s: %s", iface, strerror(-err));
	return err;
}

/*
 * Whether the chain of our interface reaches the pinned program, which then is ours whoever committed last.
 */
static bool is_attached(const struct instance *i)
{
	uint32_t id = instance_program_id(i);
	struct chain chain;

	return id && !chain_read(i->link.ifindex, i->direction, id, &chain) && chain_has(&chain, id);
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

static int find_pins(struct instance *i, const char *version)
{
	char config[64];
	int err;

	snprintf(config, sizeof(config), MAP_PIN_NAME, direction_names[i->direction], "config");
	err = pins_find(&i->pins, i->link.name, version, config);
	if (err == -ENOTUNIQ)
		log_error("traffic-mirroring is pinned several times for %s %s: choose one with --version",
			  i->link.name, direction_names[i->direction]);
	else if (err && err != -ENOENT)
		log_error("looking for the pins of %s: %s", i->link.name, strerror(-err));
	return err;
}

int instance_find(struct instance *i, const char *version)
{
	int err = find_pins(i, version);

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

void instance_close(struct instance *i)
{
	tables_close(i->tables);
	i->tables = NULL;
	if (i->lock >= 0)
		close(i->lock);
	i->lock = -1;
}

static int add_instance(struct instance **instances, size_t *n, const struct instance *found)
{
	struct instance *grown = realloc(*instances, (*n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*instances = grown;
	grown[(*n)++] = *found;
	return 0;
}

static int by_name(const void *left, const void *right)
{
	const struct instance *a = left, *b = right;
	int order = strcmp(a->link.name, b->link.name);

	return order ? order : (int)a->direction - (int)b->direction;
}

int instance_all(struct instance **instances, size_t *n)
{
	DIR *dir = opendir(BPFFS "/tc/globals");
	struct dirent *entry;
	int err = 0;

	*instances = NULL;
	*n = 0;
	while (dir && !err && (entry = readdir(dir))) {
		for (int d = 0; d < DIRECTIONS && !err; d++) {
			struct instance i = { .direction = d, .lock = -1 };
			int opened;

			if (entry->d_name[0] == '.' || netlink_link(entry->d_name, &i.link) ||
			    find_pins(&i, NULL) || find_network(&i))
				continue;
			i.tables = tables_open_pinned(i.pins.maps, i.direction, &opened);
			if (opened == -ESTALE)
				log_info("%s %s was loaded by a version with another layout", i.link.name,
					 direction_names[d]);
			else if (opened)
				log_warn("skipping %s %s", i.link.name, direction_names[d]);
			else
				err = add_instance(instances, n, &i);
		}
	}
	if (dir)
		closedir(dir);
	if (*n)
		qsort(*instances, *n, sizeof(**instances), by_name);
	return err;
}

void instance_free_all(struct instance *instances, size_t n)
{
	for (size_t i = 0; i < n; i++)
		instance_close(&instances[i]);
	free(instances);
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

uint32_t instance_program_id(const struct instance *i)
{
	char path[PATH_MAX];

	instance_program_path(i, path);
	return bpf_info_pinned_id(path);
}
