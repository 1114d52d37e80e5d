// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/bpf_info.h"
#include "../common/bpf_open.h"
#include "../common/chain.h"
#include "../common/error_text.h"
#include "../common/log.h"
#include "../common/pins.h"
#include "../common/self.h"
#include "root.h"

const struct root_names root_names[DIRECTIONS] = {
	[INGRESS] = { "tc_root_ingress.bpf.o", "tc_ingress_root", "tc_ingress_root_array",
		      "tc_ingress_root_tc" },
	[EGRESS] = { "tc_root_egress.bpf.o", "tc_egress_root", "tc_egress_root_array", "tc_egress_root_tc" },
};

/* One direction that is being set up, and what this run has made of it, so that a failure can undo it. */
struct side {
	const struct root_target *target;
	const struct root_names *names;
	enum direction direction;
	char map_path[PATH_MAX + NAME_MAX];
	char prog_path[PATH_MAX + NAME_MAX];
	struct bpf_object *object; /* NULL: the program that is attached stays */
	int prog_fd;
	uint32_t prog_id;
	bool made_map_pin, made_prog_pin, made_filter;
};

static int fail(const struct side *side, int err, const char *what)
{
	log_error("%s %s: %s: %s", side->target->link.name, direction_names[side->direction], what,
		  error_text(err));
	return err;
}

/*
 * Loads the direction's program. It uses the pinned map if there is one, so that programs in the chain stay.
 */
static int load(struct side *side)
{
	char path[PATH_MAX], text[PATH_MAX + NAME_MAX + 64];
	struct bpf_program *program;
	struct bpf_map *map;
	int err = self_beside(side->names->object, path);

	if (err)
		return fail(side, err, "cannot find the object beside the command");
	side->object = bpf_object__open_file(path, NULL);
	if (!side->object) {
		err = -errno;
		snprintf(text, sizeof(text), "cannot read the object \"%s\"", path);
		return fail(side, err, text);
	}
	map = bpf_object__find_map_by_name(side->object, side->names->map);
	program = bpf_object__find_program_by_name(side->object, side->names->entry);
	if (!map || !program)
		return fail(side, -ENOENT, "the object lacks the root program or its map");

	side->made_map_pin = access(side->map_path, F_OK) != 0;
	err = bpf_map__set_pin_path(map, side->map_path);
	if (!err)
		err = bpf_object__load(side->object);
	if (err) {
		side->made_map_pin = false;
		log_error("%s %s: cannot load the root program with its map at \"%s\": %s%s",
			  side->target->link.name, direction_names[side->direction], side->map_path,
			  error_text(err), log_libbpf());
		return err;
	}
	side->prog_fd = bpf_program__fd(program);
	side->prog_id = bpf_info_id(side->prog_fd);
	return side->prog_id ? 0 : fail(side, -errno, "cannot read the program's id");
}

/* An attached root stays if it is the pinned one or has lost its pins. */
static int adopt(struct side *side, const struct chain_root *root)
{
	const char *iface = side->target->link.name, *direction = direction_names[side->direction];
	int64_t pinned = bpf_info_pinned_id(side->map_path);
	int fd, err;

	if (pinned < 0)
		return fail(side, pinned, "cannot read the pin of the root's map");
	if (!pinned) {
		struct pins pins;

		err = pins_find(&pins, iface, NULL, side->names->map);
		if (err && err != -ENOENT && err != -ENOTUNIQ)
			return fail(side, err, "cannot look for other pins of the root's map");
		if (err != -ENOENT) {
			log_error("%s %s: root program %u is pinned elsewhere; `tc_root stop` removes it",
				  iface, direction, root->prog_id);
			return -EEXIST;
		}
		fd = bpf_open_map(root->map_id);
		if (fd < 0)
			return fail(side, fd, "cannot open the root's map");
		err = bpf_obj_pin(fd, side->map_path);
		close(fd);
		if (err)
			return fail(side, err, "cannot pin the root's map");
		side->made_map_pin = true;
	} else if (pinned != root->map_id) {
		log_error("%s %s: root program %u is not the one that is pinned; `tc_root stop` removes both",
			  iface, direction, root->prog_id);
		return -EEXIST;
	}

	side->prog_id = root->prog_id;
	side->prog_fd = bpf_open_program(root->prog_id);
	return side->prog_fd < 0 ? fail(side, side->prog_fd, "cannot open the root program") : 0;
}

static int prepare(struct side *side)
{
	const char *iface = side->target->link.name, *direction = direction_names[side->direction];
	struct chain_root roots[CHAIN_ROOTS];
	size_t n;
	int err = chain_roots(side->target->link.ifindex, side->direction, roots, &n);

	if (err)
		return fail(side, err, "cannot read what is attached");
	if (n > 1) {
		log_error("%s %s: %zu root programs are attached, left by a killed l3afd; `tc_root stop` "
			  "removes them",
			  iface, direction, n);
		return -EEXIST;
	}
	if (n)
		return adopt(side, roots);
	return load(side);
}

/* Pins the program. A pin of another program at that path is stale: that program is no longer attached. */
static int pin(struct side *side)
{
	int64_t pinned = bpf_info_pinned_id(side->prog_path);
	int err;

	if (pinned < 0)
		return fail(side, pinned, "cannot read the pin of the program");
	if (pinned == side->prog_id)
		return 0;
	if (pinned && unlink(side->prog_path))
		return fail(side, -errno, "cannot replace the pin of the program");
	err = bpf_obj_pin(side->prog_fd, side->prog_path);
	if (err)
		return fail(side, err, "cannot pin the program");
	side->made_prog_pin = true;
	return 0;
}

static int attach(struct side *side)
{
	int err;

	if (!side->object)
		return 0;
	err = netlink_tc_filter_add(side->target->link.ifindex, side->direction, side->prog_fd,
				    side->names->entry);
	if (err)
		return fail(side, err, "cannot attach the root program");
	side->made_filter = true;
	return 0;
}

static void report(const struct side *side)
{
	bool pinned = side->made_map_pin || side->made_prog_pin;

	printf("%s %s: %s (program %u) %s\n", side->target->link.name, direction_names[side->direction],
	       side->names->entry, side->prog_id,
	       side->made_filter ? "attached" :
	       pinned		 ? "was attached, pinned again" :
				   "was attached and pinned");
}

static void detach(const struct side *side)
{
	struct tc_filter *filters;
	size_t n;

	if (netlink_tc_filters(side->target->link.ifindex, side->direction, &filters, &n))
		return;
	for (size_t i = 0; i < n; i++)
		if (filters[i].prog_id == side->prog_id)
			netlink_tc_filter_del(side->target->link.ifindex, side->direction, &filters[i]);
	free(filters);
}

static void undo(const struct side *side)
{
	if (side->made_filter)
		detach(side);
	if (side->made_prog_pin)
		unlink(side->prog_path);
	if (side->made_map_pin)
		unlink(side->map_path);
}

/* Adds clsact if the interface has none. */
static int ensure_clsact(const struct link *link, bool *made)
{
	char mark[PATH_MAX], index[16];
	bool present, used;
	int err = netlink_clsact(link->ifindex, &present, &used);

	if (!err && !present) {
		err = netlink_clsact_add(link->ifindex);
		*made = !err;
	}
	if (err == -EEXIST) {
		log_error(
			"%s: its qdisc \"ingress\" leaves no room for clsact; `tc qdisc del dev %s ingress` "
			"removes it",
			link->name, link->name);
		return err;
	}
	if (err) {
		log_error("%s: cannot add a clsact qdisc: %s", link->name, error_text(err));
		return err;
	}
	if (!*made)
		return 0;

	snprintf(mark, sizeof(mark), CLSACT_MARKS "/%s", link->name);
	snprintf(index, sizeof(index), "%d", link->ifindex);
	err = pins_mkdir(CLSACT_MARKS);
	if (!err && ((unlink(mark) && errno != ENOENT) ||
		     symlink(index, mark))) /* an earlier device may have left one */
		err = -errno;
	if (err)
		log_error("%s: cannot write \"%s\": %s", link->name, mark, error_text(err));
	return err;
}

static void drop_clsact(const struct link *link)
{
	char mark[PATH_MAX];

	netlink_clsact_del(link->ifindex);
	snprintf(mark, sizeof(mark), CLSACT_MARKS "/%s", link->name);
	unlink(mark);
	pins_prune(CLSACT_MARKS);
}

static int make_directories(const struct root_target *target, const struct pins *pins)
{
	int err = pins_check_iface(target->link.name);

	if (err)
		return err;
	err = pins_mkdir(pins->maps);
	if (!err)
		err = pins_mkdir(pins->progs);
	if (err)
		log_error("%s: cannot make the directories of its pins: %s", target->link.name,
			  error_text(err));
	return err;
}

int root_start(const struct root_target *target)
{
	struct side sides[DIRECTIONS];
	bool made_clsact = false;
	struct pins pins;
	int err;

	err = pins_of(&pins, target->link.name, ROOT_PACKAGE, target->version);
	if (err) {
		log_error("%s: nothing can be pinned for it: %s", target->link.name, error_text(err));
		return err;
	}
	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		sides[d] = (struct side){
			.target = target, .names = &root_names[d], .direction = d, .prog_fd = -1
		};
		snprintf(sides[d].map_path, sizeof(sides[d].map_path), "%s/%s", pins.maps, root_names[d].map);
		snprintf(sides[d].prog_path, sizeof(sides[d].prog_path), "%s/%s", pins.progs,
			 root_names[d].pin);
	}

	/* attach last: packets reach the programs only when everything else has succeeded */
	err = make_directories(target, &pins);
	for (enum direction d = INGRESS; d < DIRECTIONS && !err; d++)
		err = prepare(&sides[d]);
	for (enum direction d = INGRESS; d < DIRECTIONS && !err; d++)
		err = pin(&sides[d]);
	if (!err && (sides[INGRESS].object || sides[EGRESS].object))
		err = ensure_clsact(&target->link, &made_clsact);
	for (enum direction d = INGRESS; d < DIRECTIONS && !err; d++)
		err = attach(&sides[d]);

	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		if (err)
			undo(&sides[d]);
		else
			report(&sides[d]);
		if (sides[d].object)
			bpf_object__close(sides[d].object);
		else if (sides[d].prog_fd >= 0)
			close(sides[d].prog_fd);
	}
	if (err && made_clsact)
		drop_clsact(&target->link);
	if (err) {
		pins_prune(pins.maps);
		pins_prune(pins.progs);
	}
	return err;
}
