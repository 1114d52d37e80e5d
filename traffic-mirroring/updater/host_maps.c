// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_maps.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/bpf_info.h"
#include "../../common/log.h"
#include "../../common/pins.h"
#include "../host/rings.h"
#include "../host/shared.h"
#include "groups.h"
#include "instance.h"
#include "sender_process.h"
#include "../../common/lock.h"
#include "traffic-mirroring/updater/host_arrays.skel.h"

/*
 * A ring's memory is used from end to end however few records wait in it: only a small one stays in a core's
 * cache. Enough for what comes while the sender naps.
 */
#define MAX_NEAR_RING (1ULL << 20)

struct host {
	int lock;
	int cpus;
	int ring[RINGS_PER_CPU * MIRROR_MAX_CPUS]; /* as ../host/rings.h counts them */
	struct shared shared;
	bool wanted[MIRROR_MAX_GROUPS]; /* by slot: groups of the configuration to come */
};

static void map_path(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, HOST_PINS "/%s", name);
}

/* Makes and pins those that are not there. */
static int open_arrays(struct host *h)
{
	size_t size;
	const void *bytes = host_arrays_bpf__elf_bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, NULL);
	struct bpf_map *map;
	char path[PATH_MAX];
	int err = object ? 0 : -errno;

	if (err)
		return err;
	bpf_object__for_each_map(map, object) {
		map_path(bpf_map__name(map) + strlen("host_"), path);
		err = err ?: bpf_info_pin(map, path);
	}
	err = err ?: bpf_object__load(object);
	bpf_object__close(object);
	return err ?: shared_open(&h->shared);
}

/* In the maps of rings. */
static __u32 ring_key(int ring)
{
	return (rings_is_spill(ring) ? MIRROR_SPILL : 0) + ring / RINGS_PER_CPU;
}

/* The largest power of two that is not above limit, a page at least. */
static __u32 size_within(__u64 limit)
{
	__u64 size = sysconf(_SC_PAGESIZE);

	while (size * 2 <= limit && size < 1U << 30)
		size *= 2;
	return size;
}

static __u32 ring_size(const struct host *h, int ring)
{
	__u64 share = h->shared.settings->ring_memory / h->cpus;
	__u32 near = size_within(share / 4 < MAX_NEAR_RING ? share / 4 : MAX_NEAR_RING);

	return rings_is_spill(ring) ? size_within(share - near) : near;
}

/* Opens a pinned ring, or makes and pins it. */
static int open_ring(const char *name, __u32 size)
{
	char path[PATH_MAX], kernel_name[BPF_OBJ_NAME_LEN];
	int fd, err;

	map_path(name, path);
	if (!access(path, F_OK))
		return bpf_info_open(path, &rings_shape);
	snprintf(kernel_name, sizeof(kernel_name), "host_%.10s", name);
	fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, kernel_name, 0, 0, size, NULL);
	if (fd < 0)
		return -errno;
	if (bpf_obj_pin(fd, path)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int open_rings(struct host *h)
{
	char name[RINGS_NAME_LEN];

	for (int i = 0; i < RINGS_PER_CPU * h->cpus; i++) {
		rings_name(i, name);
		h->ring[i] = open_ring(name, ring_size(h, i));
		if (h->ring[i] < 0)
			return h->ring[i];
	}
	return 0;
}

/*
 * Makes rings of the new size; the data paths are led to them, then the sender empties the old ones and ends.
 */
static int replace_rings(struct host *h)
{
	struct instance *instances;
	char name[RINGS_NAME_LEN], path[PATH_MAX];
	size_t n;
	int err = 0;

	for (int i = 0; i < RINGS_PER_CPU * h->cpus; i++) {
		close(h->ring[i]);
		h->ring[i] = -1;
		rings_name(i, name);
		map_path(name, path);
		unlink(path);
	}
	err = open_rings(h);
	if (err)
		return err;
	instance_all(&instances, &n);
	for (size_t i = 0; i < n && !err; i++)
		err = host_attach(h, instances[i].tables);
	instance_free_all(instances, n);
	return err ? err : sender_signal(SIGUSR1);
}

static int apply_settings(struct host *h, const struct settings_change *change, bool fresh)
{
	struct mirror_settings *now = h->shared.settings, before;
	int err;

	if (fresh)
		*now = settings_default;
	before = *now;
	settings_apply(change, now);
	err = open_rings(h);
	if (!err && !fresh && now->ring_memory != before.ring_memory)
		err = replace_rings(h);
	if (!err && now->nice != before.nice)
		err = sender_signal(SIGUSR1);
	return err;
}

struct host *host_lock(const struct settings_change *change, int *error)
{
	struct host *h = calloc(1, sizeof(*h));

	*error = -ENOMEM;
	if (!h)
		return NULL;
	h->lock = -1;
	for (int i = 0; i < RINGS_PER_CPU * MIRROR_MAX_CPUS; i++)
		h->ring[i] = -1;
	h->cpus = libbpf_num_possible_cpus();
	*error = h->cpus < 0 ? h->cpus : h->cpus > MIRROR_MAX_CPUS ? -E2BIG : 0;
	/* a release that removes the directory between the two is a reason to make it again */
	for (int tries = 0; !*error && h->lock < 0 && tries < 3; tries++) {
		*error = pins_mkdir(HOST_PINS);
		if (!*error)
			*error = pins_mkdir(HOST_SENDER_LOCK);
		if (*error)
			break;
		h->lock = lock_directory(HOST_PINS);
		*error = h->lock < 0 && h->lock != -ENOENT ? h->lock : 0;
	}
	if (!*error && h->lock < 0)
		*error = h->lock;
	if (!*error)
		*error = open_arrays(h);
	if (!*error)
		*error = apply_settings(h, change, !h->shared.settings->ring_memory);
	if (*error) {
		log_error("cannot set up the rings in %s: %s", HOST_PINS, strerror(-*error));
		host_unlock(h);
		return NULL;
	}
	return h;
}

void host_unlock(struct host *h)
{
	shared_close(&h->shared);
	for (int i = 0; i < RINGS_PER_CPU * MIRROR_MAX_CPUS; i++)
		if (h->ring[i] >= 0)
			close(h->ring[i]);
	if (h->lock >= 0)
		close(h->lock);
	free(h);
}

int host_put_group(struct host *h, struct mirror_group *group)
{
	return groups_put(&h->shared, h->wanted, group);
}

/* Id of the map behind a map of maps' entry, 0: none. */
static __u32 inner_id(int outer, __u32 key)
{
	__u32 id = 0;

	return bpf_map_lookup_elem(outer, &key, &id) ? 0 : id;
}

/* Each change of a map of maps waits for a grace period: only what differs is changed. */
static int set_inner(int outer, __u32 key, int fd)
{
	if (inner_id(outer, key) == bpf_info_id(fd))
		return 0;
	return bpf_map_update_elem(outer, &key, &fd, BPF_ANY) ? -errno : 0;
}

int host_attach(struct host *h, const struct tables *t)
{
	int state = bpf_obj_get(HOST_PINS "/state"), err = state < 0 ? -errno : 0;

	for (int i = 0; i < RINGS_PER_CPU * h->cpus && !err; i++)
		err = set_inner(tables_rings_fd(t), ring_key(i), h->ring[i]);
	if (!err)
		err = set_inner(tables_state_fd(t), 0, state);
	if (state >= 0)
		close(state);
	if (err)
		log_error("cannot connect the data path to the rings: %s", strerror(-err));
	return err;
}

int host_ensure_sender(struct host *h)
{
	return sender_ensure(&h->shared, h->wanted);
}

int host_revive_sender(void)
{
	const struct settings_change nothing = {};
	struct host *h;
	int err;

	if (shared_sender() != 0)
		return 0;
	h = host_lock(&nothing, &err);
	if (!h)
		return err;
	if (h->shared.state->present) {
		log_info("the sender had ended; it was started again");
		err = host_ensure_sender(h);
	}
	host_unlock(h);
	return err;
}

void host_release(void)
{
	char path[2 * PATH_MAX];
	struct dirent *entry;
	int lock;
	DIR *dir;

	if (groups_any_used())
		return;
	lock = lock_directory(HOST_PINS);
	if (lock < 0)
		return;
	/* only if none has come while we waited for the lock */
	if (!groups_any_used()) {
		sender_signal(SIGTERM);
		rmdir(HOST_SENDER_LOCK);
		dir = opendir(HOST_PINS);
		while (dir && (entry = readdir(dir))) {
			snprintf(path, sizeof(path), HOST_PINS "/%s", entry->d_name);
			unlink(path);
		}
		if (dir)
			closedir(dir);
		rmdir(HOST_PINS);
	}
	close(lock);
}
