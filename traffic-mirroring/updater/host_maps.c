// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_maps.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/bpf_info.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/netlink.h"
#include "../../common/pins.h"
#include "../host/rings.h"
#include "../host/shared.h"
#include "classes.h"
#include "flow_maps.h"
#include "groups.h"
#include "host_layouts.h"
#include "instance.h"
#include "outer_maps.h"
#include "sender_process.h"
#include "../../common/lock.h"
#include "traffic-mirroring/updater/host_arrays.skel.h"

struct host {
	int lock;
	int cpus;
	int ring[RINGS_MAX]; /* -1: not used; as ../host/rings.h counts them */
	struct shared shared;
	struct mirror_settings before;
	bool fresh; /* there were no settings */
	bool rings; /* there are rings */
	bool wanted[MIRROR_MAX_GROUPS]; /* by slot: groups of the configuration to come */
};

static void map_path(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, HOST_PINS "/%s", name);
}

static int report(int err)
{
	log_error("cannot set up the rings in %s: %s%s", HOST_PINS, error_text(err), log_libbpf());
	return err;
}

/* The sender sends from its network namespace: data paths of another one cannot share it. */
static int claim(struct mirror_state *state)
{
	uint64_t ours = netlink_namespace();

	if (state->network != ours && state->network && shared_sender() > 0) {
		log_error(HOST_PINS " belongs to another network namespace: use another bpffs in this one");
		return -EXDEV;
	}
	state->network = ours;
	return 0;
}

/* Those that filters with `domain` need, which not every host has. */
static bool is_of_names(const char *name)
{
#define IS(array, ...) || !strcmp(name, "host_" #array)
	return false MIRROR_HOST_ACCEPTS(IS) MIRROR_HOST_NAMES(IS);
#undef IS
}

/* Makes and pins those that are not there, of names or all others. */
static int make_arrays(bool of_names)
{
	size_t size;
	const void *bytes = host_arrays_bpf__elf_bytes(&size);
	struct bpf_object *object = bpf_object__open_mem(bytes, size, NULL);
	struct bpf_map *map;
	char path[PATH_MAX];
	int err = object ? 0 : -errno;

	if (err)
		return report(err);
	bpf_object__for_each_map(map, object) {
		map_path(bpf_map__name(map) + strlen("host_"), path);
		if (is_of_names(bpf_map__name(map)) != of_names)
			bpf_map__set_autocreate(map, false);
		else
			err = err ?: bpf_info_pin(map, path);
	}
	if (!err && bpf_object__load(object))
		err = report(-errno);
	bpf_object__close(object);
	return err;
}

static int open_arrays(struct host *h)
{
	int err = make_arrays(false);

	err = err ?: shared_open(&h->shared);
	return err ?: claim(h->shared.state);
}

static void ring_path(int ring, char path[PATH_MAX])
{
	char name[RINGS_NAME_LEN];

	rings_name(ring, name);
	map_path(name, path);
}

static unsigned int threads_of(const struct host *h, const struct mirror_settings *settings)
{
	return rings_threads(settings->threads, h->cpus);
}

static unsigned int pairs_of(const struct host *h, const struct mirror_settings *settings)
{
	return h->cpus * threads_of(h, settings);
}

/*
 * A primary ring needs stores that others see in their order, and programs that interrupt others of their CPU
 * only to the end (../abi/ring.h). Other hosts have the overflow rings alone.
 */
static bool can_have_near(void)
{
	struct utsname system;

	return !uname(&system) && !strcmp(system.machine, "x86_64") && !strstr(system.version, "PREEMPT_RT");
}

static bool is_wanted(const struct host *h, int ring, const struct mirror_settings *settings)
{
	if (!rings_is_spill(ring) &&
	    !(can_have_near() && rings_near_fit(settings->ring_memory, pairs_of(h, settings))))
		return false;
	return rings_is_used(ring, threads_of(h, settings), h->cpus);
}

/* Returns its fd or a negative errno, as the next two. */
static int make_ring(const struct host *h, int ring, const struct mirror_settings *settings)
{
	const struct bpf_map_shape *shape = rings_shape(ring);
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape->flags);
	char name[RINGS_NAME_LEN], kernel_name[BPF_OBJ_NAME_LEN];
	int fd;

	rings_name(ring, name);
	snprintf(kernel_name, sizeof(kernel_name), "host_%.10s", name);
	fd = bpf_map_create(shape->type, kernel_name, shape->key_size, shape->value_size,
			    shape->max_entries ?:
						 rings_spill_size(settings->ring_memory, pairs_of(h, settings)),
			    &options);
	return fd < 0 ? report(-errno) : fd;
}

/* Opens a pinned ring, or makes and pins it. */
static int open_ring(const struct host *h, int ring)
{
	char path[PATH_MAX];
	int fd, err;

	ring_path(ring, path);
	if (!access(path, F_OK))
		return bpf_info_open(path, rings_shape(ring));
	fd = make_ring(h, ring, h->shared.settings);
	if (fd >= 0 && bpf_obj_pin(fd, path)) {
		err = report(-errno);
		close(fd);
		return err;
	}
	return fd;
}

static void close_rings(int ring[RINGS_MAX])
{
	for (int i = 0; i < RINGS_MAX; i++) {
		if (ring[i] >= 0)
			close(ring[i]);
		ring[i] = -1;
	}
}

static int open_rings(struct host *h)
{
	for (int i = 0; i < RINGS_MAX; i++) {
		if (!is_wanted(h, i, h->shared.settings))
			continue;
		h->ring[i] = open_ring(h, i);
		if (h->ring[i] < 0)
			return h->ring[i];
	}
	return 0;
}

static unsigned int threads_in(const int ring[])
{
	unsigned int threads = 1;

	while (threads < MIRROR_MAX_THREADS && ring[RINGS_PER_CPU * ring_key(threads, 0) + 1] >= 0)
		threads *= 2;
	return threads;
}

/*
 * The ring that belongs at a key, -1: none. Where there were more threads, data paths may still use the keys
 * of those that are gone: they lead to the rings of the thread that has their flows now.
 */
static int ring_of(const struct host *h, int outer, const int ring[], __u32 key, unsigned int kind)
{
	unsigned int thread = key / MIRROR_MAX_CPUS, cpu = key % MIRROR_MAX_CPUS, threads = threads_in(ring);

	if ((int)cpu >= h->cpus || (thread >= threads && !outer_map_inner_id(outer, key)))
		return -1;
	return ring[RINGS_PER_CPU * ring_key(thread & (threads - 1), cpu) + kind];
}

/*
 * All at once, since each single change waits for a grace period. Not the last one, which has to wait: before
 * 6.8, kernels do not wait after a batch, and before 5.19 they refuse it.
 */
static void attach_most(const struct host *h, int outer, const int ring[], unsigned int kind)
{
	__u32 keys[MIRROR_RINGS], n = 0;
	int fds[MIRROR_RINGS], fd;

	for (__u32 key = 0; key < MIRROR_RINGS; key++) {
		fd = ring_of(h, outer, ring, key, kind);
		if (fd < 0 || outer_map_inner_id(outer, key) == bpf_info_id(fd))
			continue;
		keys[n] = key;
		fds[n++] = fd;
	}
	if (n-- > 1)
		bpf_map_update_batch(outer, keys, fds, &n, NULL);
}

/* One of each pair of rings: kind 1 is the overflow ring. */
static int attach_kind(const struct host *h, int outer, const int ring[], unsigned int kind)
{
	int err = 0, fd;

	attach_most(h, outer, ring, kind);
	for (__u32 key = 0; key < MIRROR_RINGS && !err; key++) {
		fd = ring_of(h, outer, ring, key, kind);
		if (fd >= 0 || (int)(key % MIRROR_MAX_CPUS) < h->cpus)
			err = outer_map_set(outer, key, fd);
	}
	return err;
}

static int attach_rings(const struct host *h, const struct tables *t, const int ring[])
{
	int err = attach_kind(h, tables_near_fd(t), ring, 0);

	return err ? err : attach_kind(h, tables_rings_fd(t), ring, 1);
}

struct attachment {
	const struct host *host;
	const int *ring;
};

/* One that cannot be read would go on copying into rings without a reader. */
static int lead(void *ctx, const struct instance *i)
{
	const struct attachment *a = ctx;

	return i ? attach_rings(a->host, i->tables, a->ring) : -EBUSY;
}

/* Pins these rings in place of others, and leads every data path to them. */
static int use_rings(const struct host *h, const int ring[])
{
	struct attachment attachment = { h, ring };
	char path[PATH_MAX];
	int err = 0;

	for (int i = 0; i < RINGS_MAX && !err; i++) {
		ring_path(i, path);
		if ((unlink(path) && errno != ENOENT) || (ring[i] >= 0 && bpf_obj_pin(ring[i], path)))
			err = -errno;
	}
	if (!err)
		err = instance_each((struct instance_query){}, lead, &attachment);
	return err ? report(err) : 0;
}

static int make_rings(const struct host *h, const struct mirror_settings *settings, int ring[RINGS_MAX])
{
	for (int i = 0; i < RINGS_MAX; i++) {
		if (!is_wanted(h, i, settings))
			continue;
		ring[i] = make_ring(h, i, settings);
		if (ring[i] < 0)
			return ring[i];
	}
	return 0;
}

/* Whether other rings are needed. */
static bool resizes(const struct host *h, const struct mirror_settings *to)
{
	const struct mirror_settings *now = h->shared.settings;

	return h->rings && (to->ring_memory != now->ring_memory || threads_of(h, to) != threads_of(h, now));
}

/* A sender that was replaced, or killed, must have a successor. */
static void ensure_reader(const struct host *h)
{
	const bool none[MIRROR_MAX_GROUPS] = {};

	if (h->shared.state->present && !shared_sender())
		sender_ensure(&h->shared, none);
}

/*
 * All or nothing. Rings, flow table and priority are the sender's from its start on: it must be replaced. It
 * first empties its rings, to which nothing is added by then.
 */
static int put_settings(struct host *h, const struct mirror_settings *to)
{
	const struct mirror_settings *now = h->shared.settings;
	bool resize = resizes(h, to);
	int ring[RINGS_MAX], err = 0;

	memset(ring, -1, sizeof(ring));
	if (resize) {
		ensure_reader(h); /* for what a sender that was killed has left in the rings */
		err = make_rings(h, to, ring);
	}
	if (!err && resize)
		err = use_rings(h, ring);
	if (!err && h->shared.flows && flow_table_sets(to->flow_memory) != h->shared.flow_sets)
		err = flow_table_resize(&h->shared, to->flow_memory);
	if (!err && (resize || to->nice != now->nice))
		err = sender_signal(SIGUSR1);
	if (err) {
		if (ring[1] >= 0)
			use_rings(h, h->ring);
		close_rings(ring);
		return err;
	}
	if (resize) {
		close_rings(h->ring);
		memcpy(h->ring, ring, sizeof(ring));
	}
	*h->shared.settings = *to;
	return 0;
}

int host_set(struct host *h, const struct settings_change *change, bool needed)
{
	struct mirror_settings to = h->before;
	int err;

	h->rings = needed || rings_exist();

	settings_apply(change, &to);
	if (h->fresh)
		*h->shared.settings = to;
	err = h->rings ? open_rings(h) : 0;
	return err ? err : put_settings(h, &to);
}

/* A sender opens at its start what it may use: one that runs must be replaced. */
static int make_flow_maps(struct host *h, bool names)
{
	int err = 0;

	if (!h->shared.flows)
		err = flow_table_add(h->shared.settings->flow_memory);
	if (!err && names)
		err = make_arrays(true);
	if (!err)
		err = sender_signal(SIGUSR1);
	return err ? err : shared_open_flows(&h->shared);
}

int host_set_flows(struct host *h, const struct instance *i, struct configuration *c)
{
	bool names = filters_constrain(c->filters, DIM_DOMAIN);
	struct rulesets_used used;
	int err = 0;

	if (!h->shared.flows || (names && !h->shared.names))
		err = make_flow_maps(h, names);
	c->host = &h->shared;
	c->flow_sets = h->shared.flow_sets;
	if (err || !names)
		return err;
	err = rulesets_used(&used);
	if (!err)
		err = ruleset_choose(i, &h->shared, &used, &c->ruleset);
	return err ? err : classes_put(&h->shared, c->filters, &used);
}

static int lock_pins(void)
{
	int err = 0, lock = -ENOENT;

	/* a release that removes the directory between the two is a reason to make it again */
	for (int tries = 0; !err && lock == -ENOENT && tries < 3; tries++) {
		err = pins_mkdir(HOST_PINS);
		if (!err)
			err = pins_mkdir(HOST_SENDER_LOCK);
		if (!err)
			lock = lock_directory(HOST_PINS);
	}
	if (err || lock == -ENOENT)
		log_error("cannot lock %s: %s", HOST_PINS, strerror(err ? -err : ENOENT));
	return err ? err : lock;
}

static int check_cpus(int cpus)
{
	if (cpus < 0)
		return report(cpus);
	if (cpus <= MIRROR_MAX_CPUS)
		return 0;
	log_error("cannot set up the rings in %s: expected at most %d possible CPUs, got %d", HOST_PINS,
		  MIRROR_MAX_CPUS, cpus);
	return -E2BIG;
}

struct host *host_lock(int *error)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h) {
		*error = report(-ENOMEM);
		return NULL;
	}
	memset(h->ring, -1, sizeof(h->ring));
	h->lock = -1;
	h->cpus = libbpf_num_possible_cpus();
	*error = check_cpus(h->cpus);
	if (!*error)
		h->lock = *error = lock_pins();
	if (h->lock >= 0)
		*error = open_arrays(h);
	if (*error) {
		host_end(h, true);
		return NULL;
	}
	h->fresh = !h->shared.settings->ring_memory;
	if (h->fresh)
		*h->shared.settings = settings_default;
	h->before = *h->shared.settings;
	return h;
}

void host_end(struct host *h, bool done)
{
	if (!done && !h->fresh) {
		put_settings(h, &h->before);
		ensure_reader(h);
	} else if (!done) {
		*h->shared.settings = (struct mirror_settings){};
	}
	shared_close(&h->shared);
	close_rings(h->ring);
	if (h->lock >= 0)
		close(h->lock);
	free(h);
}

int host_put_group(struct host *h, struct mirror_group *group)
{
	return groups_put(&h->shared, h->wanted, group);
}

static int attach_array(int outer, const char *name)
{
	char path[PATH_MAX];
	int fd, err;

	map_path(name, path);
	fd = bpf_obj_get(path);
	err = fd < 0 ? -errno : outer_map_set(outer, 0, fd);
	if (fd >= 0)
		close(fd);
	return err;
}

int host_attach(struct host *h, const struct tables *t)
{
	int err = h->rings ? attach_rings(h, t, h->ring) : 0;

	if (!err)
		err = attach_array(tables_state_fd(t), "state");
	if (!err && h->shared.flows)
		err = attach_array(tables_flows_fd(t), "flows");
	if (!err && h->shared.accepts)
		err = attach_array(tables_accepts_fd(t), "accepts");
	if (err)
		log_error("cannot connect the data path to the rings: %s", error_text(err));
	return err;
}

int host_ensure_sender(struct host *h)
{
	return h->rings ? sender_ensure(&h->shared, h->wanted) : 0;
}

bool host_sender_hangs(void)
{
	struct shared shared;
	bool answers;

	if (shared_sender() <= 0 || shared_open(&shared))
		return false;
	answers = shared_sender_answers(&shared, 0);
	shared_close(&shared);
	return !answers;
}

int host_revive_sender(void)
{
	const struct settings_change nothing = {};
	struct host *h;
	int err;

	if (shared_sender() != 0 && !host_sender_hangs())
		return 0;
	h = host_lock(&err);
	if (!h)
		return err;
	if (h->shared.state->present) {
		log_info("the sender had ended or hung; it was started again");
		err = host_set(h, &nothing, true);
		if (!err)
			err = host_ensure_sender(h);
	} else {
		err = -EALREADY;
	}
	host_end(h, true);
	return err;
}

static int check_unconfigured(void *ctx, const struct instance *i)
{
	(void)ctx;
	return !i || tables_configured(i->tables);
}

/* Whether settings that somebody has given must wait for rings; true if nobody can tell. */
static bool settings_wait(void)
{
	struct mirror_settings settings;
	__u32 zero = 0;
	int fd = bpf_obj_get(HOST_PINS "/settings"), err;

	err = fd < 0 ? 0 : bpf_map_lookup_elem(fd, &zero, &settings);
	if (fd >= 0)
		close(fd);
	if (!err && (fd < 0 || !memcmp(&settings, &settings_default, sizeof(settings))))
		return false;
	return instance_each((struct instance_query){}, check_unconfigured, NULL);
}

int host_release(void)
{
	int lock, err = 0;

	layouts_release_others();
	if (groups_any_used() || flow_table_used())
		return 0;
	lock = lock_directory(HOST_PINS);
	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	/* only if none has come while we waited for the lock */
	if (!groups_any_used() && !flow_table_used())
		err = layouts_remove(HOST_PINS, settings_wait() ? "settings" : NULL);
	close(lock);
	return err;
}
