// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "bpf_info.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int bpf_info_map(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

uint32_t bpf_info_id(int fd)
{
	/* the id is the second member of what a program and a map have */
	struct bpf_map_info info;

	return bpf_info_map(fd, &info) ? 0 : info.id;
}

uint32_t bpf_info_pinned_id(const char *path)
{
	int fd = bpf_obj_get(path);
	uint32_t id;

	if (fd < 0)
		return 0;
	id = bpf_info_id(fd);
	close(fd);
	return id;
}
