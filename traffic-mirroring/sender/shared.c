// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "shared.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/log.h"

/* Maps a pinned array of this shape. */
static int map_array(const char *name, uint32_t value_size, uint32_t entries, void *memory)
{
	size_t page = sysconf(_SC_PAGESIZE), size = (size_t)entries * ((value_size + 7) & ~7U);
	struct bpf_map_info info = { 0 };
	uint32_t info_size = sizeof(info);
	char path[64];
	void *at;
	int fd, err = 0;

	snprintf(path, sizeof(path), HOST_PINS "/%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &info_size)) {
		err = -errno;
		log_error("cannot open %s: %s", path, strerror(-err));
	} else if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != value_size ||
		   info.max_entries != entries) {
		err = -EINVAL;
		log_error("%s is of another version: %u values of %u bytes, expected %u of %u", path,
			  info.max_entries, info.value_size, entries, value_size);
	} else {
		at = mmap(NULL, (size + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED) {
			err = -errno;
			log_error("cannot map %s: %s", path, strerror(-err));
		} else {
			memcpy(memory, &at, sizeof(at)); /* whatever the pointer's type */
		}
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int shared_open(struct shared *s)
{
	const struct {
		const char *name;
		uint32_t value_size, entries;
		void *memory;
	} arrays[] = {
		{ "state", sizeof(struct mirror_state), 1, &s->state },
		{ "groups", sizeof(struct mirror_group), MIRROR_MAX_GROUPS, &s->groups },
		{ "settings", sizeof(struct mirror_settings), 1, &s->settings },
		{ "sent", sizeof(uint64_t), SENT_COUNT, &s->sent },
		{ "sent_errors", sizeof(uint64_t), MIRROR_ERRNOS, &s->sent_errors },
		{ "collectors", sizeof(struct mirror_collector_counters),
		  MIRROR_MAX_GROUPS * MIRROR_MAX_COLLECTORS, &s->collectors },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]) && !err; i++)
		err = map_array(arrays[i].name, arrays[i].value_size, arrays[i].entries, arrays[i].memory);
	return err;
}

const char *shared_unreachable_text(__u32 error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH ? "its host cannot be reached" :
							       "nobody listens there";
}
