// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "chain.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_info.h"
#include "bpf_open.h"

/*
 * TCX came with kernel 6.6, later than the headers this is built with. The part of union bpf_attr
 * that BPF_PROG_QUERY reads, with the fields that TCX added.
 */
struct tcx_query {
	__u32 ifindex;
	__u32 attach_type;
	__u32 query_flags;
	__u32 attach_flags;
	__u64 prog_ids;
	__u32 count;
	__u32 pad;
	__u64 prog_attach_flags;
	__u64 link_ids;
	__u64 link_attach_flags;
	__u64 revision;
};

enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };

#define TCX_MAX 64 /* the kernel takes no more on one direction */
#define MAPS_MAX 64 /* of one program, the kernel's own limit */

static int prog_info(uint32_t id, struct bpf_prog_info *info)
{
	__u32 size = sizeof(*info);
	int fd = bpf_open_program(id);
	int err;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, info, &size);
	close(fd);
	return err;
}

static int map_info(uint32_t id, struct bpf_map_info *info)
{
	int fd = bpf_open_map(id);
	int err;

	if (fd < 0)
		return fd;
	err = bpf_info_map(fd, info);
	close(fd);
	return err;
}

/* A program's first map that is a chain map, and has this kernel name unless name is NULL. */
static int64_t find_map(uint32_t prog_id, const char *name)
{
	__u32 ids[MAPS_MAX];
	struct bpf_prog_info prog = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	struct bpf_map_info map;
	int err = prog_info(prog_id, &prog);

	if (err)
		return err;
	for (__u32 i = 0; i < prog.nr_map_ids && i < MAPS_MAX; i++) {
		err = map_info(ids[i], &map);
		if (err)
			return err;
		if (map.type == BPF_MAP_TYPE_PROG_ARRAY && map.max_entries == 1 &&
		    (!name || !strncmp(map.name, name, sizeof(map.name) - 1)))
			return ids[i];
	}
	return 0;
}

int64_t chain_map_of(uint32_t prog_id)
{
	return find_map(prog_id, NULL);
}

int64_t chain_next(uint32_t map_id)
{
	__u32 key = 0, prog_id = 0;
	int fd = bpf_open_map(map_id);
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_lookup_elem(fd, &key, &prog_id);
	close(fd);
	if (err && err != -ENOENT)
		return err;
	return prog_id;
}

/* The name of the program's first function in its BTF; it lives as long as *btf, NULL if there is none. */
static const char *btf_name(uint32_t prog_id, __u32 btf_id, __u32 rec_size, struct btf **btf)
{
	/* this kernel may have longer records than struct bpf_func_info */
	char *record = calloc(1, rec_size);
	struct bpf_prog_info info = { .nr_func_info = 1,
				      .func_info_rec_size = rec_size,
				      .func_info = (uintptr_t)record };
	const struct btf_type *type = NULL;

	*btf = NULL;
	if (record && !prog_info(prog_id, &info) && info.nr_func_info) {
		*btf = btf__load_from_kernel_by_id(btf_id);
		if (*btf)
			type = btf__type_by_id(*btf, ((struct bpf_func_info *)record)->type_id);
	}
	free(record);
	return type ? btf__name_by_offset(*btf, type->name_off) : NULL;
}

/* The name of the program's pin, without what l3afd and we add, if it begins like the kernel's name. */
static const char *pin_name(uint32_t prog_id, const char *truncated, char pin[NAME_MAX + 1])
{
	int fd = strlen(truncated) == BPF_OBJ_NAME_LEN - 1 ? bpf_open_pinned_program(prog_id, pin) : -1;
	char *end;

	if (fd < 0)
		return NULL;
	close(fd);
	end = pin + strlen(pin) - strlen("_tc");
	if (end > pin && !strcmp(end, "_tc"))
		*end = '\0';
	return strncmp(pin, truncated, strlen(truncated)) ? NULL : pin;
}

void chain_program_name(uint32_t prog_id, char *name, size_t size)
{
	struct bpf_prog_info info = { 0 };
	const char *full = NULL;
	char pin[NAME_MAX + 1];
	struct btf *btf = NULL;

	if (!prog_info(prog_id, &info) && info.btf_id && info.nr_func_info)
		full = btf_name(prog_id, info.btf_id, info.func_info_rec_size, &btf);
	if (!full || !*full) /* only CAP_SYS_ADMIN may open BTF by its id */
		full = pin_name(prog_id, info.name, pin);
	snprintf(name, size, "%s", full ?: info.name);
	btf__free(btf);
}

/* Which programs are roots: those with a chain map of this name, and this one. */
struct root_is {
	char map_name[32];
	uint32_t prog_id;
};

/* Adds the program to the roots if it is one. */
static int add_root(const struct root_is *is, const struct chain_root *candidate, struct chain_root *roots,
		    size_t *n)
{
	int64_t map_id =
		find_map(candidate->prog_id, candidate->prog_id == is->prog_id ? NULL : is->map_name);

	if (map_id == -ENOENT) /* detached since */
		return 0;
	if (map_id < 0)
		return map_id;
	if (map_id && *n < CHAIN_ROOTS) {
		roots[*n] = *candidate;
		roots[(*n)++].map_id = map_id;
	}
	return 0;
}

static int tcx_roots(int ifindex, enum direction direction, const struct root_is *is,
		     struct chain_root *roots, size_t *n)
{
	__u32 progs[TCX_MAX], links[TCX_MAX] = { 0 };
	struct tcx_query query = {
		.ifindex = ifindex,
		.attach_type = direction == INGRESS ? TCX_INGRESS : TCX_EGRESS,
		.prog_ids = (uintptr_t)progs,
		.link_ids = (uintptr_t)links,
		.count = TCX_MAX,
	};
	int err = 0;

	if (syscall(__NR_bpf, BPF_PROG_QUERY, &query, sizeof(query)))
		/* a kernel without TCX knows neither the type nor the fields; ENOENT: nothing attached */
		return errno == EINVAL || errno == E2BIG || errno == ENOENT ? 0 : -errno;
	for (__u32 i = 0; i < query.count && i < TCX_MAX && !err; i++)
		err = add_root(is,
			       &(struct chain_root){ .prog_id = progs[i], .link_id = links[i], .tcx = true },
			       roots, n);
	return err;
}

static int clsact_roots(int ifindex, enum direction direction, const struct root_is *is,
			struct chain_root *roots, size_t *n)
{
	struct tc_filter *filters;
	size_t count;
	int err = netlink_tc_filters(ifindex, direction, &filters, &count);

	for (size_t i = 0; i < count && !err; i++)
		err = add_root(is,
			       &(struct chain_root){ .prog_id = filters[i].prog_id, .filter = filters[i] },
			       roots, n);
	free(filters);
	return err;
}

static int find_roots(int ifindex, enum direction direction, uint32_t prog_id,
		      struct chain_root roots[CHAIN_ROOTS], size_t *n)
{
	struct root_is is = { .prog_id = prog_id };
	int err;

	*n = 0;
	snprintf(is.map_name, sizeof(is.map_name), "tc_%s_root_array", direction_names[direction]);
	err = tcx_roots(ifindex, direction, &is, roots, n);
	return err ? err : clsact_roots(ifindex, direction, &is, roots, n);
}

int chain_roots(int ifindex, enum direction direction, struct chain_root roots[CHAIN_ROOTS], size_t *n)
{
	return find_roots(ifindex, direction, 0, roots, n);
}

bool chain_has(const struct chain *chain, uint32_t prog_id)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->at[i].id == prog_id)
			return true;
	return false;
}

static int follow(const struct chain_root *root, struct chain *chain)
{
	int64_t id = root->prog_id, map_id = root->map_id;

	memset(chain, 0, sizeof(*chain));
	strcpy(chain->at[0].attach, root->tcx ? "tcx" : "clsact");
	while (id && chain->n < CHAIN_MAX && !chain->loop) {
		struct chain_program *program = &chain->at[chain->n++];

		program->id = id;
		program->map_id = map_id;
		chain_program_name(id, program->name, sizeof(program->name));

		id = map_id ? chain_next(map_id) : 0;
		if (id < 0)
			return id;
		chain->loop = chain_has(chain, id);
		map_id = id ? chain_map_of(id) : 0;
		if (map_id < 0)
			return map_id;
	}
	return 0;
}

int chain_read(int ifindex, enum direction direction, uint32_t prog_id, struct chain *chain)
{
	struct chain_root roots[CHAIN_ROOTS];
	struct chain candidate;
	size_t n;
	int err;

	memset(chain, 0, sizeof(*chain));
	err = find_roots(ifindex, direction, prog_id, roots, &n);
	for (size_t i = 0; i < n && !err; i++) {
		err = follow(&roots[i], &candidate);
		if (!i || (chain_has(&candidate, prog_id) && !chain_has(chain, prog_id)))
			*chain = candidate;
	}
	chain->roots = n;
	return err;
}
