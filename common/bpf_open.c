// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "bpf_open.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_info.h"
#include "pins.h"

/* kind: "bpf-prog", "bpf-map" or "bpf_link", as the kernel calls the file of an open object. */
static bool is_kind(int fd, const char *kind)
{
	char path[32], file[32] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, file, sizeof(file) - 1) > 0 && strstr(file, kind);
}

/* The pinned object of this id, and its pin's name, unless name is NULL. -EPERM: none that can be read. */
static int open_pinned(uint32_t id, const char *kind, char name[NAME_MAX + 1])
{
	FTS *fts = fts_open((char *[]){ BPFFS, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int fd = -1;

	for (FTSENT *entry; fts && fd < 0 && (entry = fts_read(fts));) {
		fd = entry->fts_info == FTS_F ? bpf_obj_get(entry->fts_path) : -1;
		if (fd < 0)
			continue;
		if (bpf_info_id(fd) == id && is_kind(fd, kind)) {
			snprintf(name, name ? NAME_MAX + 1 : 0, "%s", entry->fts_name);
			continue;
		}
		close(fd);
		fd = -1;
	}
	if (fts)
		fts_close(fts);
	return fd < 0 ? -EPERM : fd;
}

static int or_pinned(int fd, uint32_t id, const char *kind)
{
	return fd == -EPERM ? open_pinned(id, kind, NULL) : fd;
}

int bpf_open_program(uint32_t id)
{
	return or_pinned(bpf_prog_get_fd_by_id(id), id, "bpf-prog");
}

int bpf_open_map(uint32_t id)
{
	return or_pinned(bpf_map_get_fd_by_id(id), id, "bpf-map");
}

int bpf_open_link(uint32_t id)
{
	return or_pinned(bpf_link_get_fd_by_id(id), id, "bpf_link");
}

int bpf_open_pinned_program(uint32_t id, char name[NAME_MAX + 1])
{
	return open_pinned(id, "bpf-prog", name);
}
