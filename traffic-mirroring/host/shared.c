// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "shared.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../../common/lock.h"
#include "../../common/log.h"

#define INFO(name, public, help) [SENT_##name] = { public, help },
const struct sent_info sent_info[SENT_COUNT] = { MIRROR_SENT(INFO) };
#undef INFO

/* The pins, each with the offset of its pointer in struct shared. */
static const struct array {
	const char *name;
	size_t memory;
	uint32_t value_size, entries;
} arrays[] = {
	{ "state", offsetof(struct shared, state), sizeof(struct mirror_state), 1 },
	{ "groups", offsetof(struct shared, groups), sizeof(struct mirror_group), MIRROR_MAX_GROUPS },
	{ "settings", offsetof(struct shared, settings), sizeof(struct mirror_settings), 1 },
	{ "sent", offsetof(struct shared, sent), sizeof(uint64_t), SENT_COUNT },
	{ "sent_errors", offsetof(struct shared, sent_errors), sizeof(uint64_t), MIRROR_ERRNOS },
	{ "collectors", offsetof(struct shared, collectors), sizeof(struct mirror_collector_counters),
	  MIRROR_MAX_GROUPS *MIRROR_MAX_COLLECTORS },
};
#define ARRAYS (sizeof(arrays) / sizeof(arrays[0]))

static size_t size_of(const struct array *a)
{
	size_t page = sysconf(_SC_PAGESIZE), size = (size_t)a->entries * ((a->value_size + 7) & ~7U);

	return (size + page - 1) / page * page;
}

static int map_array(const struct array *a, void **memory)
{
	struct bpf_map_info info;
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), HOST_PINS "/%s", a->name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_info_map(fd, &info)) {
		err = -errno;
		log_error("cannot open %s: %s", path, strerror(-err));
	} else if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != a->value_size ||
		   info.max_entries != a->entries) {
		err = -EINVAL;
		log_error("%s is of another version: %u values of %u bytes, expected %u of %u", path,
			  info.max_entries, info.value_size, a->entries, a->value_size);
	} else {
		*memory = mmap(NULL, size_of(a), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (*memory == MAP_FAILED) {
			err = -errno;
			*memory = NULL;
			log_error("cannot map %s: %s", path, strerror(-err));
		}
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static void **memory_of(struct shared *s, const struct array *a)
{
	return (void **)((char *)s + a->memory);
}

int shared_open(struct shared *s)
{
	int err = 0;

	*s = (struct shared){ 0 };
	for (size_t i = 0; i < ARRAYS && !err; i++)
		err = map_array(&arrays[i], memory_of(s, &arrays[i]));
	if (err)
		shared_close(s);
	return err;
}

void shared_close(struct shared *s)
{
	for (size_t i = 0; i < ARRAYS; i++)
		if (*memory_of(s, &arrays[i]))
			munmap(*memory_of(s, &arrays[i]), size_of(&arrays[i]));
	*s = (struct shared){ 0 };
}

bool shared_is_answer(__u32 error)
{
	switch (error) {
	case ECONNREFUSED:
	case ENOPROTOOPT: /* GRE has no ports: a host without it reports an unknown protocol */
	case EHOSTUNREACH: /* from a router, or from this host if ARP or ND gets no reply */
	case ENETUNREACH:
		return true;
	}
	return false;
}

const char *shared_unreachable_text(__u32 error)
{
	if (!shared_is_answer(error))
		return "its sockets could not be opened";
	return error == EHOSTUNREACH || error == ENETUNREACH ? "its host cannot be reached" :
							       "port unreachable";
}

const char *shared_error_name(int error)
{
	return strerrorname_np(error) ?: "unknown";
}

double shared_lag_seconds(const struct shared *s)
{
	return s->sent[SENT_LAG_MS] / 1e3;
}

double shared_shed_ratio(const struct shared *s)
{
	return s->state->shed / (double)UINT32_MAX;
}

long shared_sender(void)
{
	return lock_holder(HOST_SENDER_LOCK);
}
