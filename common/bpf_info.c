// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "bpf_info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error_text.h"
#include "log.h"

int bpf_info_map(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

static void print_shape(char text[96], const struct bpf_map_shape *shape)
{
	snprintf(text, 96, "%s (key %u, value %u, entries %u, flags %#x)",
		 libbpf_bpf_map_type_str(shape->type) ?: "unknown", shape->key_size, shape->value_size,
		 shape->max_entries, shape->flags);
}

int bpf_info_expect(int fd, const char *name, const struct bpf_map_shape *expected)
{
	char wanted[96], found[96];
	struct bpf_map_shape shape;
	struct bpf_map_info info;
	int err = bpf_info_map(fd, &info);

	if (err) {
		log_error("%s: %s", name, error_text(err));
		return err;
	}
	shape = (struct bpf_map_shape){ info.type, info.key_size, info.value_size,
					expected->max_entries ? info.max_entries : 0, info.map_flags };
	if (!memcmp(&shape, expected, sizeof(shape)))
		return 0;
	print_shape(wanted, expected);
	print_shape(found, &shape);
	log_error("%s: expected %s, got %s: another version made this map", name, wanted, found);
	return -EPROTO;
}

int bpf_info_open(const char *path, const struct bpf_map_shape *expected)
{
	int fd = bpf_obj_get(path), err;

	if (fd < 0) {
		fd = -errno;
		log_error("%s: %s", path, error_text(fd));
		return fd;
	}
	err = bpf_info_expect(fd, path, expected);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int bpf_info_pin(struct bpf_map *map, const char *path)
{
	const struct bpf_map_shape shape = { bpf_map__type(map), bpf_map__key_size(map),
					     bpf_map__value_size(map), bpf_map__max_entries(map),
					     bpf_map__map_flags(map) };
	int fd, err;

	if (!access(path, F_OK)) {
		fd = bpf_info_open(path, &shape);
		if (fd < 0)
			return fd;
		close(fd);
	}
	err = bpf_map__set_pin_path(map, path);
	if (err)
		log_error("%s: %s", path, error_text(err));
	return err;
}

size_t bpf_info_mapped_size(const struct bpf_map_shape *shape)
{
	size_t page = sysconf(_SC_PAGESIZE),
	       size = (size_t)shape->max_entries * ((shape->value_size + 7) & ~7U);

	return (size + page - 1) / page * page;
}

uint32_t bpf_info_id(int fd)
{
	/* the id is the second member of what a program and a map have */
	struct bpf_map_info info;

	return bpf_info_map(fd, &info) ? 0 : info.id;
}

int64_t bpf_info_pinned_id(const char *path)
{
	int fd = bpf_obj_get(path);
	int64_t id;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	id = bpf_info_id(fd);
	if (!id)
		id = -errno;
	close(fd);
	return id;
}
