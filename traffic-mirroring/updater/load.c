// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/bpf_info.h"
#include "../../common/bpf_open.h"
#include "../../common/chain.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/self.h"

#define PACKAGE "traffic-mirroring"

/* A symlink among the pins that says that we loaded them: its target names our program and the map ahead. */
#define MARKER "chained_behind"
#define MARK_PROGRAM "program "
#define MARK_MAP " behind map "

struct mark {
	uint32_t prog_id; /* 0: being loaded */
	uint32_t map_id;
};

static uint32_t known(int64_t id)
{
	return id > 0 ? id : 0;
}

static bool parse_mark(const char *text, struct mark *mark)
{
	char *end = NULL;

	if (strncmp(text, MARK_PROGRAM, strlen(MARK_PROGRAM)))
		return false;
	mark->prog_id = strtoul(text + strlen(MARK_PROGRAM), &end, 10);
	if (strncmp(end, MARK_MAP, strlen(MARK_MAP)))
		return false;
	mark->map_id = strtoul(end + strlen(MARK_MAP), &end, 10);
	return !*end;
}

static bool read_mark(const struct instance *i, struct mark *mark)
{
	char path[PATH_MAX], text[PATH_MAX] = "";

	instance_map_path(i, MARKER, path);
	if (readlink(path, text, sizeof(text) - 1) < 0)
		return false;
	if (!parse_mark(text, mark)) /* version 1.0: leads to the map */
		*mark = (struct mark){ known(instance_program_id(i)), known(bpf_info_pinned_id(path)) };
	return true;
}

static int write_mark(const struct instance *i, struct mark mark)
{
	char path[PATH_MAX], new[PATH_MAX], text[64];

	instance_map_path(i, MARKER, path);
	instance_map_path(i, MARKER "_new", new);
	snprintf(text, sizeof(text), MARK_PROGRAM "%u" MARK_MAP "%u", mark.prog_id, mark.map_id);
	return (unlink(new) && errno != ENOENT) || symlink(text, new) || rename(new, path) ? -errno : 0;
}

/*
 * l3afd unpacks to …/<package>/<version>/l3af_traffic_mirroring/mirroring and pins under the package's name
 * in the payload, which it does not tell us otherwise.
 */
static void package_of(const char *version, char package[NAME_MAX + 1])
{
	char path[PATH_MAX], wanted[NAME_MAX + 1], here[NAME_MAX + 1], *part;

	strcpy(package, PACKAGE);
	if (pins_version(version, wanted) || self_path(path))
		return;
	for (int up = 0; up < 2; up++) {
		part = strrchr(path, '/');
		if (!part)
			return;
		*part = '\0';
	}
	part = strrchr(path, '/');
	if (!part)
		return;
	*part++ = '\0';
	if (pins_version(part, here) || strcmp(here, wanted))
		return;
	part = strrchr(path, '/');
	if (part && part[1])
		snprintf(package, NAME_MAX + 1, "%s", part + 1);
}

int load_place(struct instance *i, const char *version)
{
	char package[NAME_MAX + 1] = PACKAGE;
	int err;

	err = pins_check_iface(i->link.name);
	if (err)
		return err;
	if (version)
		package_of(version, package);
	return pins_of(&i->pins, i->link.name, package, version);
}

static int read_chain(const struct instance *i, struct chain *chain)
{
	const char *direction = direction_names[i->direction];
	int err = chain_read(i->link.ifindex, i->direction, known(instance_program_id(i)), chain);

	if (err)
		log_error("the chain of %s %s cannot be read: %s", i->link.name, direction, error_text(err));
	return err;
}

int load_check_root(const struct instance *i)
{
	struct chain chain;
	int err = read_chain(i, &chain);

	if (!err && !chain.n) {
		log_error("no root program is attached to %s %s: no packet reaches mirroring", i->link.name,
			  direction_names[i->direction]);
		err = -ENOENT;
	}
	return err;
}

/*
 * Follows the chain that begins at a chain map. Returns the map whose next program is prog_id, or
 * other_map_id if the chain comes to it; 0: neither; a negative errno.
 */
static int64_t find_map(uint32_t map_id, uint32_t prog_id, uint32_t other_map_id)
{
	for (int i = 0; i < CHAIN_MAX && map_id; i++) {
		int64_t next, map;

		if (map_id == other_map_id)
			return map_id;
		next = chain_next(map_id);
		if (next <= 0)
			return next;
		if (next == prog_id)
			return map_id;
		map = chain_map_of(next);
		if (map < 0)
			return map;
		map_id = map;
	}
	return 0;
}

/* 1, 0 or a negative errno, as the next two. */
static int is_in_chain_of(const struct instance *i, enum direction direction, uint32_t map_id)
{
	struct chain_root roots[CHAIN_ROOTS];
	size_t n = 0;
	int64_t found = chain_roots(i->link.ifindex, direction, roots, &n);

	for (size_t r = 0; r < n && !found; r++)
		found = find_map(roots[r].map_id, 0, map_id);
	return found > 0 ? 1 : found;
}

/* Whether path is a pin of another interface, in either layout. */
static bool is_pin_of_another(const struct instance *i, const char *path)
{
	const char *pins = BPFFS "/tc/globals/", *iface = path + strlen(pins);
	size_t len = strlen(i->link.name);

	return !strncmp(path, pins, strlen(pins)) && (strncmp(iface, i->link.name, len) || iface[len] != '/');
}

/* A map that is in no chain is fine, unless it is a root's: its programs may be attached later. */
static int is_of_another_chain(const struct instance *i, const struct bpf_map_info *map, const char *path)
{
	int in = is_in_chain_of(i, i->direction, map->id);

	if (in)
		return in < 0 ? in : 0;
	return !strncmp(map->name, "tc_ingress_root", 15) || !strncmp(map->name, "tc_egress_root_", 15) ||
			       is_pin_of_another(i, path) ?
		       1 :
		       is_in_chain_of(i, !i->direction, map->id);
}

static int open_chain_map(const struct instance *i, const char *path, uint32_t *id)
{
	struct bpf_map_info info = {};
	int fd = bpf_obj_get(path), another = fd < 0 ? -errno : bpf_info_map(fd, &info);

	if (!another && (info.type != BPF_MAP_TYPE_PROG_ARRAY || info.max_entries != 1)) {
		log_error("--map-name: expected a chain map (a PROG_ARRAY with one entry), got \"%s\"", path);
		close(fd);
		return -EINVAL;
	}
	if (!another)
		another = is_of_another_chain(i, &info, path);
	if (!another) {
		*id = info.id;
		return fd;
	}
	if (another < 0)
		log_error("--map-name: %s: %s", path, error_text(another));
	else
		log_error("--map-name: expected a chain map of %s %s, got \"%s\"", i->link.name,
			  direction_names[i->direction], path);
	if (fd >= 0)
		close(fd);
	return another < 0 ? another : -EINVAL;
}

/* The chain map of the last program of a chain without ours. */
static int open_last_map(const struct instance *i, const struct chain *chain, uint32_t *id)
{
	const char *iface = i->link.name, *direction = direction_names[i->direction];
	char ours[32];
	int fd;

	snprintf(ours, sizeof(ours), "_%s_redirect", direction);
	for (size_t n = 0; n < chain->n; n++) {
		if (strcmp(chain->at[n].name, ours))
			continue;
		log_error("%s %s: program %u in the chain mirrors already, but has no pin here", iface,
			  direction, chain->at[n].id);
		return -EEXIST;
	}
	*id = chain->n && !chain->loop && chain->roots == 1 ? chain->at[chain->n - 1].map_id : 0;
	if (!*id) {
		log_error("%s %s: the chain has no end to chain after: give --map-name", iface, direction);
		return -EINVAL;
	}
	fd = bpf_open_map(*id);
	if (fd < 0)
		log_error("%s %s: map %u: %s", iface, direction, *id, error_text(fd));
	return fd;
}

/* Puts a program, by id, into entry 0 of a chain map; id 0 empties it. */
static int set_next(int map_fd, uint32_t prog_id)
{
	__u32 zero = 0;
	int fd, err = 0;

	if (!prog_id)
		return bpf_map_delete_elem(map_fd, &zero) && errno != ENOENT ? -errno : 0;
	fd = bpf_open_program(prog_id);
	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(map_fd, &zero, &fd, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

/* 1, 0 or a negative errno. */
static int in_chain(const struct instance *i, uint32_t prog_id)
{
	struct chain chain;
	int err = chain_read(i->link.ifindex, i->direction, prog_id, &chain);

	return err ? err : chain_has(&chain, prog_id);
}

/* Behind the map at map_fd, before what is there now. Never a moment in which the chain is cut. */
static int insert(struct instance *i, int map_fd, uint32_t map_id)
{
	int64_t prog_id = instance_program_id(i), own_id, next, found;
	int own, err = 0;

	if (prog_id <= 0)
		return prog_id ? prog_id : -ENOENT;
	found = find_map(map_id, prog_id, 0);
	if (found)
		return found < 0 ? found : 0;
	err = in_chain(i, prog_id);
	if (err > 0)
		log_warn("%s %s: the program is already in the chain and keeps its place", i->link.name,
			 direction_names[i->direction]);
	if (err)
		return err < 0 ? err : 0;
	own_id = chain_map_of(prog_id);
	if (own_id <= 0)
		return own_id ? own_id : -ENOENT;
	found = find_map(own_id, 0, map_id);
	if (found)
		return found < 0 ? found : -ELOOP;
	next = chain_next(map_id);
	if (next < 0)
		return next;
	own = bpf_open_map(own_id);
	if (own < 0)
		return own;
	/*
	 * where nothing follows, as in a chain that was cut here, what follows us already does so further on
	 */
	if (next)
		err = set_next(own, next);
	if (!err)
		err = set_next(map_fd, prog_id);
	close(own);
	return err;
}

/* Leads the maps of an object to the pins of an instance, those that are there and those to come. */
static int pin_maps(const struct instance *i, struct bpf_object *object)
{
	char path[PATH_MAX];
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, object) {
		if (snprintf(path, sizeof(path), "%s/%s", i->pins.maps, bpf_map__name(map)) >=
		    (int)sizeof(path)) {
			log_error("%s: %s", i->pins.maps, strerror(ENAMETOOLONG));
			return -ENAMETOOLONG;
		}
		err = bpf_info_pin(map, path);
		if (err)
			return err;
	}
	return 0;
}

static int object_file(enum direction direction, char file[PATH_MAX])
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "mirroring_%s.bpf.o", direction_names[direction]);
	return self_beside(name, file);
}

static void report(enum direction direction, int error)
{
	char file[PATH_MAX] = "the object";

	object_file(direction, file);
	log_error("cannot load %s: %s%s", file,
		  error == -EACCES ? error_text_without(error, CAP_PERFMON) : error_text(error),
		  log_libbpf());
}

static struct bpf_object *open_object(enum direction direction, int *error)
{
	struct bpf_object *object = NULL;
	char file[PATH_MAX];

	*error = object_file(direction, file);
	if (!*error) {
		object = bpf_object__open_file(file, NULL);
		*error = object ? 0 : -errno;
	}
	if (*error)
		report(direction, *error);
	return object;
}

struct bpf_program *load_program(const struct bpf_object *object, enum direction direction)
{
	char name[32];

	snprintf(name, sizeof(name), "_%s_redirect", direction_names[direction]);
	return bpf_object__find_program_by_name(object, name);
}

struct bpf_object *load_private(enum direction direction, int *error)
{
	struct bpf_object *object = open_object(direction, error);
	struct bpf_map *map;

	if (!object)
		return NULL;
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	*error = bpf_object__load(object);
	if (!*error)
		return object;
	report(direction, *error);
	bpf_object__close(object);
	return NULL;
}

/* map_id: of the chain map that it will be behind. */
static int load_object(struct instance *i, uint32_t map_id)
{
	struct bpf_program *program;
	char path[PATH_MAX];
	int err;
	struct bpf_object *object = open_object(i->direction, &err);

	if (!object)
		return err;
	err = pin_maps(i, object);
	if (err) {
		bpf_object__close(object);
		return err;
	}
	err = bpf_object__load(object);
	if (!err) {
		program = load_program(object, i->direction);
		instance_program_path(i, path);
		err = program ? 0 : -ENOENT;
	}
	/* marked before it is pinned: a pin that l3afd makes after a kill is not taken for ours */
	if (!err)
		err = write_mark(i, (struct mark){ bpf_info_id(bpf_program__fd(program)), map_id });
	if (!err)
		err = bpf_program__pin(program, path);
	if (err)
		report(i->direction, err);
	bpf_object__close(object);
	return err;
}

/* Every pin of this direction: the maps by their common prefix, the program, and our marker. */
static int remove_pins(struct instance *i)
{
	char prefix[32], path[2 * PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	instance_program_path(i, path);
	if (unlink(path) && errno != ENOENT)
		err = -errno;
	snprintf(prefix, sizeof(prefix), MAP_PIN_NAME, direction_names[i->direction], "");
	dir = opendir(i->pins.maps);
	if (!dir && errno != ENOENT)
		err = -errno;
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", i->pins.maps, entry->d_name);
		if (unlink(path))
			err = -errno;
	}
	if (dir)
		closedir(dir);
	pins_prune(i->pins.progs);
	pins_prune(i->pins.maps);
	if (err)
		log_error("cannot remove the pins in %s: %s", i->pins.maps, error_text(err));
	return err;
}

bool load_is_ours(const struct instance *i)
{
	int64_t prog_id = instance_program_id(i);
	struct mark mark;

	/* a program that cannot be read is one that unload_chained() fails at */
	return read_mark(i, &mark) && (prog_id <= 0 || prog_id == mark.prog_id);
}

static int load_marked(struct instance *i, uint32_t map_id)
{
	/* the mark first: whatever a kill leaves half loaded is known to be ours */
	int err = write_mark(i, (struct mark){ .map_id = map_id });

	if (!err)
		err = pins_mkdir(i->pins.progs);
	if (!err)
		return load_object(i, map_id);
	log_error("cannot pin to %s: %s", i->pins.maps, error_text(err));
	return err;
}

int load_chained(struct instance *i, const char *map_name)
{
	int64_t prog_id = instance_program_id(i);
	bool fresh = !prog_id;
	struct chain chain;
	uint32_t map_id = 0;
	int map_fd, err;

	if (prog_id < 0) {
		log_error("cannot read the pin of the program in %s: %s", i->pins.progs, error_text(prog_id));
		return prog_id;
	}
	if (!map_name) {
		if (!fresh && !load_is_ours(i))
			return 0;
		err = read_chain(i, &chain);
		if (err || chain_has(&chain, prog_id))
			return err;
	}
	map_fd = map_name ? open_chain_map(i, map_name, &map_id) : open_last_map(i, &chain, &map_id);
	if (map_fd < 0)
		return map_fd;
	err = fresh ? load_marked(i, map_id) : 0;
	if (!err) {
		err = insert(i, map_fd, map_id);
		if (err)
			log_error("cannot chain after %s: %s", map_name ? map_name : "the last program",
				  err == -ELOOP ? "the chain would loop" : error_text(err));
	}
	if (err && fresh)
		remove_pins(i);
	close(map_fd);
	return err;
}

/*
 * The map whose next program is prog_id: along the chain of the interface, else from the map that we were
 * chained after. 0: no map; a negative errno.
 */
static int64_t map_before(const struct instance *i, uint32_t prog_id)
{
	struct chain chain = { .n = 0 };
	struct mark mark;
	int64_t found;
	int err = i->link.ifindex ? chain_read(i->link.ifindex, i->direction, prog_id, &chain) : 0;

	if (err)
		return err;
	for (size_t n = 1; n < chain.n; n++)
		if (chain.at[n].id == prog_id)
			return chain.at[n - 1].map_id;
	found = read_mark(i, &mark) ? find_map(mark.map_id, prog_id, 0) : 0;
	return found == -ENOENT ? 0 : found;
}

/* What comes before the program is led to what comes after it. */
static int bypass(uint32_t prog_id, uint32_t map_id)
{
	int64_t own = chain_map_of(prog_id), next = own > 0 ? chain_next(own) : own;
	int fd, err;

	if (next < 0)
		return next;
	fd = bpf_open_map(map_id);
	if (fd < 0)
		return fd;
	err = set_next(fd, next);
	close(fd);
	return err;
}

int unload_chained(struct instance *i)
{
	int64_t prog_id = instance_program_id(i), map_id = prog_id > 0 ? map_before(i, prog_id) : prog_id;
	int err = map_id > 0 ? bypass(prog_id, map_id) : map_id;

	if (err) {
		log_error("cannot take %s %s out of the chain: %s", i->link.name,
			  direction_names[i->direction], error_text(err));
		return err;
	}
	return remove_pins(i);
}
