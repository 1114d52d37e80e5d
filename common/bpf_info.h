/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the kernel says about open and pinned BPF objects. */
#pragma once

#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Fills in the information about an open map. 0 or a negative errno. */
int bpf_info_map(int fd, struct bpf_map_info *info);

/* What a map is declared to be. */
struct bpf_map_shape {
	enum bpf_map_type type;
	uint32_t key_size, value_size, max_entries /* 0: any number */, flags;
};

/*
 * Whether an open map is what this version declares. 0, -EPROTO, or another negative errno, after
 * log_error(), which names the map by name.
 */
int bpf_info_expect(int fd, const char *name, const struct bpf_map_shape *expected);

/* Opens the map pinned at path, if it is as expected: its fd, or a negative errno, after log_error(). */
int bpf_info_open(const char *path, const struct bpf_map_shape *expected);

/*
 * Has libbpf pin a map of an object to path when it loads the object, or use what is pinned there, which must
 * be as the object declares. 0 or a negative errno, after log_error().
 */
int bpf_info_pin(struct bpf_map *map, const char *path);

/* Bytes of an ARRAY with BPF_F_MMAPABLE in memory: whole pages. */
size_t bpf_info_mapped_size(const struct bpf_map_shape *shape);

/* The id of an open program or map; 0, and errno is set: it cannot be read. */
uint32_t bpf_info_id(int fd);

/* The id of the program or map pinned at path, 0 if there is none; a negative errno. */
int64_t bpf_info_pinned_id(const char *path);
