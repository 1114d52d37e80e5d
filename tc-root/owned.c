// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "owned.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "../common/bpf_info.h"
#include "../common/bpf_open.h"

#define MAPS_MAX 64 /* of one program, the kernel's own limit */

static bool has(const struct bpf_ids *ids, enum bpf_kind kind, uint32_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->at[i].kind == kind && ids->at[i].id == id)
			return true;
	return false;
}

static int add_programs_of(struct bpf_ids *ids, int fd, const struct bpf_map_info *map)
{
	__u32 prog_id;
	int err = 0;

	for (__u32 key = 0; key < map->max_entries && !err; key++)
		if (!bpf_map_lookup_elem(fd, &key, &prog_id))
			err = owned_add(ids, prog_id);
	return err;
}

static int add_map(struct bpf_ids *ids, uint32_t id)
{
	struct bpf_map_info info;
	int fd, err;

	if (has(ids, KIND_MAP, id))
		return 0;
	fd = bpf_open_map(id);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_info_map(fd, &info);
	if (!err)
		err = bpf_ids_add(ids, KIND_MAP, id);
	if (!err && info.type == BPF_MAP_TYPE_PROG_ARRAY)
		err = add_programs_of(ids, fd, &info);
	close(fd);
	return err;
}

int owned_add(struct bpf_ids *ids, uint32_t prog_id)
{
	__u32 maps[MAPS_MAX], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)maps };
	int fd, err;

	if (has(ids, KIND_PROGRAM, prog_id))
		return 0;
	fd = bpf_open_program(prog_id);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (!err)
		err = bpf_ids_add(ids, KIND_PROGRAM, prog_id);
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX && !err; i++)
		err = add_map(ids, maps[i]);
	return err;
}

static bool same_truncated_name(uint32_t id, const struct bpf_map_info *map)
{
	struct bpf_map_info other;
	int fd = bpf_open_map(id);
	bool same = fd >= 0 && !bpf_info_map(fd, &other) && !strcmp(other.name, map->name);

	if (fd >= 0)
		close(fd);
	return same;
}

bool owned_has(const struct bpf_ids *ids, int map_fd)
{
	struct bpf_map_info map;

	if (bpf_info_map(map_fd, &map))
		return false;
	if (has(ids, KIND_MAP, map.id))
		return true;
	for (size_t i = 0; i < ids->n && strlen(map.name) == sizeof(map.name) - 1; i++)
		if (ids->at[i].kind == KIND_MAP && same_truncated_name(ids->at[i].id, &map))
			return true;
	return false;
}
