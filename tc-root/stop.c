// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/bpf_open.h"
#include "../common/chain.h"
#include "../common/error_text.h"
#include "../common/log.h"
#include "../common/pins.h"
#include "holders.h"
#include "owned.h"
#include "root.h"

/* Newer than the headers on the oldest build host. */
enum { LINK_TYPE_TCX = 11, ATTACH_TCX_INGRESS = 46, ATTACH_TCX_EGRESS = 47 };

/* ---- pins ---- */

/* Reads the kind of an open BPF object and its id. False: not an object of TC. */
static bool is_tc(int fd, enum bpf_kind kind, uint32_t *id)
{
	union {
		struct bpf_prog_info program;
		struct bpf_map_info map;
		struct bpf_link_info link;
	} info;
	__u32 size = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	/* the type stands first and the id second in all three */
	*id = info.map.id;
	if (kind == KIND_PROGRAM) /* XDP programs are pinned in the same directory */
		return info.program.type == BPF_PROG_TYPE_SCHED_CLS;
	return kind == KIND_MAP || info.link.type == LINK_TYPE_TCX;
}

/*
 * Calls visit for each pin of the interface, in either layout, until one returns other than 0.
 * prune: removes the directories that are empty then.
 */
static int each_pin(const char *iface, bool prune,
		    int (*visit)(enum bpf_kind kind, const char *path, uint32_t id, void *ctx), void *ctx)
{
	static const char *const places[KINDS] = {
		[KIND_PROGRAM] = BPFFS "/progs", [KIND_MAP] = BPFFS "/tc/globals", [KIND_LINK] = BPFFS "/links"
	};
	int err = 0;

	for (enum bpf_kind kind = 0; kind < KINDS && !err; kind++) {
		char top[PATH_MAX];
		FTS *fts;

		snprintf(top, sizeof(top), "%s/%s", places[kind], iface);
		if (access(top, F_OK))
			continue;
		fts = fts_open((char *[]){ top, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
		if (!fts)
			return -errno;
		for (FTSENT *entry; !err && (entry = fts_read(fts));) {
			uint32_t id;
			int fd;

			if (entry->fts_info == FTS_DP && prune)
				pins_prune(entry->fts_path);
			if (entry->fts_info != FTS_F)
				continue;
			fd = bpf_obj_get(entry->fts_path);
			if (fd < 0)
				continue; /* another kind of object, or gone */
			if (is_tc(fd, kind, &id))
				err = visit(kind, entry->fts_path, id, ctx);
			close(fd);
		}
		fts_close(fts);
	}
	return err;
}

/* What a stop removes. */
struct removal {
	struct bpf_ids owned; /* programs of the interface, and their maps */
	size_t removed;
};

static bool is_root_pin(enum bpf_kind kind, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	for (enum direction d = INGRESS; d < DIRECTIONS; d++)
		if (!strcmp(name, kind == KIND_MAP ? root_names[d].map : root_names[d].pin))
			return true;
	return false;
}

static int add_owner(enum bpf_kind kind, const char *path, uint32_t id, void *ctx)
{
	(void)path;
	return kind == KIND_PROGRAM ? owned_add(ctx, id) : 0;
}

/* Others may pin maps there, too. */
static bool is_foreign(enum bpf_kind kind, const char *path, const struct bpf_ids *owned)
{
	int fd = kind == KIND_MAP && !is_root_pin(kind, path) ? bpf_obj_get(path) : -1;
	bool foreign = fd >= 0 && !owned_has(owned, fd);

	if (fd >= 0)
		close(fd);
	return foreign;
}

static int remove_pin(enum bpf_kind kind, const char *path, uint32_t id, void *ctx)
{
	struct removal *r = ctx;

	if (is_foreign(kind, path, &r->owned)) {
		printf("the pin of %s %u at %s stays: no program of this interface uses it\n",
		       kind_names[kind], id, path);
		return 0;
	}
	if (unlink(path)) {
		int err = -errno;

		log_error("cannot remove the pin \"%s\": %s", path, error_text(err));
		return err;
	}
	printf("removed the pin of %s %u at %s\n", kind_names[kind], id, path);
	r->removed++;
	return 0;
}

/* ---- who holds them ---- */

/* A running l3afd has its root programs open, with their maps and links. */
static int collect_pin(enum bpf_kind kind, const char *path, uint32_t id, void *ctx)
{
	return kind == KIND_LINK || is_root_pin(kind, path) ? bpf_ids_add(ctx, kind, id) : 0;
}

static int collect_roots(const struct link *link, struct bpf_ids *ids)
{
	struct chain_root roots[CHAIN_ROOTS];
	size_t n;
	int err = 0;

	for (enum direction d = INGRESS; d < DIRECTIONS && !err; d++) {
		err = chain_roots(link->ifindex, d, roots, &n);
		for (size_t i = 0; i < n && !err; i++) {
			err = bpf_ids_add(ids, KIND_PROGRAM, roots[i].prog_id);
			if (!err)
				err = bpf_ids_add(ids, KIND_MAP, roots[i].map_id);
			if (!err && roots[i].link_id)
				err = bpf_ids_add(ids, KIND_LINK, roots[i].link_id);
		}
	}
	return err;
}

/* Whether no process can hide what it has open. -EACCES, after log_error(): some can. */
static int check_sight(const struct link *link)
{
	static const int needed[] = { CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (capability_held(needed[i]))
			continue;
		log_error(
			"%s: cannot see which processes hold its root programs: %s; use --force if none does",
			link->name, error_text_without(-EACCES, needed[i]));
		return -EACCES;
	}
	return 0;
}

/* -EBUSY, with a line, when another process holds a root of the interface. */
static int check_holders(const struct link *link)
{
	struct bpf_ids ids = { 0 };
	struct holder holder;
	int err = check_sight(link);

	if (err)
		return err;
	err = link->ifindex ? collect_roots(link, &ids) : 0;
	if (!err)
		err = each_pin(link->name, false, collect_pin, &ids);
	if (!err)
		err = holder_find(&ids, &holder);
	free(ids.at);
	if (err == -ENOENT)
		return 0;
	if (err) {
		log_error("%s: cannot find the holders of its root programs: %s", link->name,
			  error_text(err));
		return err;
	}
	log_error("%s: process %d (%s) holds root %s %u; end it first, or use --force", link->name,
		  holder.pid, holder.comm, kind_names[holder.held.kind], holder.held.id);
	return -EBUSY;
}

/*
 * A symbolic link among the maps is the mark of `mirroring start`: its programs and sender rely on the pins.
 * -EBUSY, with a line, where there is one; remove: removes it.
 */
static int check_marks(const char *iface, bool remove)
{
	char top[PATH_MAX];
	int err = 0;
	FTS *fts;

	snprintf(top, sizeof(top), BPFFS "/tc/globals/%s", iface);
	fts = access(top, F_OK) ? NULL : fts_open((char *[]){ top, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (FTSENT *entry; fts && !err && (entry = fts_read(fts));) {
		if (entry->fts_info != FTS_SL && entry->fts_info != FTS_SLNONE)
			continue;
		if (remove && !unlink(entry->fts_path))
			continue;
		log_error("%s: \"%s\" marks what `mirroring start` has loaded: run `mirroring stop`, or use "
			  "--force",
			  iface, entry->fts_name);
		err = -EBUSY;
	}
	if (fts)
		fts_close(fts);
	return err;
}

/* ---- roots ---- */

static int detach_tcx(const struct link *link, enum direction direction, const struct chain_root *root)
{
	int fd, err;

	if (root->link_id) {
		fd = bpf_open_link(root->link_id);
		if (fd < 0)
			return fd;
		err = bpf_link_detach(fd); /* even if another process still holds the link */
	} else {
		fd = bpf_open_program(root->prog_id);
		if (fd < 0)
			return fd;
		err = bpf_prog_detach2(fd, link->ifindex,
				       (enum bpf_attach_type)(direction == INGRESS ? ATTACH_TCX_INGRESS :
										     ATTACH_TCX_EGRESS));
	}
	close(fd);
	return err;
}

static int remove_roots(const struct link *link, enum direction direction, size_t *removed)
{
	struct chain_root roots[CHAIN_ROOTS];
	char name[64];
	size_t n;
	int err = chain_roots(link->ifindex, direction, roots, &n);

	for (size_t i = 0; i < n && !err; i++) {
		const struct chain_root *root = &roots[i];

		chain_program_name(root->prog_id, name, sizeof(name));
		err = root->tcx ? detach_tcx(link, direction, root) :
				  netlink_tc_filter_del(link->ifindex, direction, &root->filter);
		if (err)
			break;
		printf("%s %s: removed the %s of %s (program %u)\n", link->name, direction_names[direction],
		       root->tcx ? "TCX attachment" : "clsact filter", name, root->prog_id);
		(*removed)++;
	}
	if (err)
		log_error("%s %s: cannot detach the root program: %s", link->name, direction_names[direction],
			  error_text(err));
	return err;
}

/* ---- clsact ---- */

/* Removes clsact if start made it and nothing else uses it now. */
static int remove_clsact(const struct link *link, size_t *removed)
{
	char mark[PATH_MAX], index[16] = "", own[16];
	bool present = false, used;
	int err = 0;

	snprintf(mark, sizeof(mark), CLSACT_MARKS "/%s", link->name);
	if (readlink(mark, index, sizeof(index) - 1) < 0)
		return 0;
	snprintf(own, sizeof(own), "%d", link->ifindex);
	if (!strcmp(index, own)) { /* the mark is not that of an earlier device of this name */
		err = netlink_clsact(link->ifindex, &present, &used);
		if (!err && present && used) {
			printf("%s: the clsact qdisc stays, because it has other filters\n", link->name);
		} else if (!err && present) {
			err = netlink_clsact_del(link->ifindex);
			if (!err)
				printf("%s: removed the clsact qdisc\n", link->name);
		}
		*removed += present;
	}
	if (err) {
		log_error("%s: cannot remove the clsact qdisc: %s", link->name, error_text(err));
		return err;
	}
	unlink(mark);
	pins_prune(CLSACT_MARKS);
	return 0;
}

static int find_owned(const struct link *link, struct bpf_ids *owned)
{
	struct bpf_ids roots = {};
	int err = link->ifindex ? collect_roots(link, &roots) : 0;

	for (size_t i = 0; i < roots.n && !err; i++)
		if (roots.at[i].kind == KIND_PROGRAM)
			err = owned_add(owned, roots.at[i].id);
	free(roots.at);
	if (!err)
		err = each_pin(link->name, false, add_owner, owned);
	if (err)
		log_error("%s: cannot read which maps its programs use: %s", link->name, error_text(err));
	return err;
}

int root_stop(const struct root_target *target)
{
	const struct link *link = &target->link;
	struct removal r = {};
	int err = target->force ? 0 : check_holders(link);

	if (!err)
		err = check_marks(link->name, target->force || !link->ifindex);
	if (!err)
		err = find_owned(link, &r.owned);
	for (enum direction d = INGRESS; d < DIRECTIONS && link->ifindex && !err; d++)
		err = remove_roots(link, d, &r.removed);
	if (!err)
		err = each_pin(link->name, true, remove_pin, &r);
	if (!err)
		err = remove_clsact(link, &r.removed);
	if (!err && !r.removed)
		printf("%s: nothing to remove\n", link->name);
	free(r.owned.at);
	return err;
}
