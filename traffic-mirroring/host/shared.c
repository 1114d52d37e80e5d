// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "shared.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "../../common/pins.h"
#include "../wire/formats.h"

#define INFO(name, public, help) [SENT_##name] = { public, help },
const struct sent_info sent_info[SENT_COUNT] = { MIRROR_SENT(INFO) };
#undef INFO

/* Signs of life come every 250 ms; a process that waits for a processor is late. */
#define SILENCE_NS 700000000ULL

/* The pins, each with the offset of its pointer in struct shared. The flow table is not always that large. */
#define SHAPE_OF(type, entries)                                                          \
	{                                                                                \
		BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(type), entries, BPF_F_MMAPABLE \
	}
#define ARRAY(name, type, entries) { #name, offsetof(struct shared, name), SHAPE_OF(type, entries), false },
#define OPTIONAL(name, type, entries) { #name, offsetof(struct shared, name), SHAPE_OF(type, entries), true },
static const struct array {
	const char *name;
	size_t memory;
	struct bpf_map_shape shape;
	bool optional;
} arrays[] = { { "flows",
		 offsetof(struct shared, flows),
		 { BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct mirror_flow_set), 0, MIRROR_FLOWS_FLAGS },
		 true },
	       MIRROR_HOST_STATE(ARRAY) MIRROR_HOST_ARRAYS(ARRAY) MIRROR_HOST_ACCEPTS(OPTIONAL)
		       MIRROR_HOST_NAMES(OPTIONAL) };
#define ARRAYS (sizeof(arrays) / sizeof(arrays[0]))

static size_t size_of(const struct shared *s, const struct array *a)
{
	struct bpf_map_shape shape = a->shape;

	if (!shape.max_entries)
		shape.max_entries = s->flow_sets;
	return bpf_info_mapped_size(&shape);
}

static void **memory_of(struct shared *s, const struct array *a)
{
	return (void **)((char *)s + a->memory);
}

static int map_opened(struct shared *s, const struct array *a, int fd)
{
	struct bpf_map_info info;
	int err = a->shape.max_entries ? 0 : bpf_info_map(fd, &info);
	void *memory;

	if (err)
		return err;
	if (!a->shape.max_entries)
		s->flow_sets = info.max_entries;
	memory = mmap(NULL, size_of(s, a), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*memory_of(s, a) = memory;
	return 0;
}

static int map_array(struct shared *s, const struct array *a)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), HOST_PINS "/%s", a->name);
	if (a->optional && access(path, F_OK) && errno == ENOENT)
		return 0;
	fd = bpf_info_open(path, &a->shape);
	if (fd < 0)
		return fd;
	err = map_opened(s, a, fd);
	if (err)
		log_error("cannot map %s: %s", path, error_text(err));
	close(fd);
	return err;
}

static void unmap_array(struct shared *s, const struct array *a)
{
	if (*memory_of(s, a))
		munmap(*memory_of(s, a), size_of(s, a));
	*memory_of(s, a) = NULL;
}

int shared_open_flows(struct shared *s)
{
	int err = 0;

	for (size_t i = 0; i < ARRAYS && !err; i++) {
		if (!arrays[i].optional)
			continue;
		unmap_array(s, &arrays[i]);
		err = map_array(s, &arrays[i]);
	}
	return err;
}

int shared_open(struct shared *s)
{
	int err = pins_check(HOST_PINS);

	*s = (struct shared){ 0 };
	for (size_t i = 0; i < ARRAYS && !err; i++)
		err = map_array(s, &arrays[i]);
	if (err)
		shared_close(s);
	return err;
}

void shared_close(struct shared *s)
{
	for (size_t i = 0; i < ARRAYS; i++)
		unmap_array(s, &arrays[i]);
	*s = (struct shared){ 0 };
}

struct shared shared_for_thread(const struct shared *s, unsigned int thread)
{
	struct shared its = *s;

	its.thread = thread;
	its.sent += thread * MIRROR_SENT_KEYS;
	its.sent_errors += thread * MIRROR_ERRNOS;
	its.collectors += thread * MIRROR_COLLECTORS;
	return its;
}

unsigned int shared_threads(const struct shared *s)
{
	return (__atomic_load_n(&s->state->thread_mask, __ATOMIC_ACQUIRE) & (MIRROR_MAX_THREADS - 1)) + 1;
}

static __u64 sum(const __u64 *counters, size_t keys_of_thread)
{
	__u64 sum = 0;

	for (int thread = 0; thread < MIRROR_MAX_THREADS; thread++)
		sum += __atomic_load_n(&counters[thread * keys_of_thread], __ATOMIC_RELAXED);
	return sum;
}

__u64 shared_sent(const struct shared *s, enum mirror_sent counter)
{
	return sum(&s->sent[counter], MIRROR_SENT_KEYS);
}

__u64 shared_sent_errors(const struct shared *s, int error)
{
	return sum(&s->sent_errors[error], MIRROR_ERRNOS);
}

static void add(__u64 *sum, const __u64 *counter)
{
	*sum += __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Each thread sheds flows of its own: on the average, this share of all. */
struct mirror_collector_counters shared_collector(const struct shared *s, unsigned int slot, int index)
{
	const struct mirror_collector_counters *c = &s->collectors[slot * MIRROR_MAX_COLLECTORS + index];
	struct mirror_collector_counters all = { .group = c->group };
	unsigned int threads = shared_threads(s);

	for (unsigned int thread = 0; thread < MIRROR_MAX_THREADS; thread++, c += MIRROR_COLLECTORS) {
		if (c->group != all.group)
			continue;
		add(&all.copies, &c->copies);
		add(&all.bytes, &c->bytes);
		add(&all.refused, &c->refused);
		add(&all.shed_copies, &c->shed_copies);
		if (thread >= threads)
			continue;
		all.shed += __atomic_load_n(&c->shed, __ATOMIC_RELAXED) / threads;
		all.unreachable = all.unreachable ?: __atomic_load_n(&c->unreachable, __ATOMIC_RELAXED);
		all.down |= __atomic_load_n(&c->down, __ATOMIC_RELAXED);
	}
	return all;
}

/* Whoever writes to the map, what is read of it keeps to its bounds. */
static bool check_group(struct mirror_group *g)
{
	bool valid = g->collectors <= MIRROR_MAX_COLLECTORS && g->oversize <= OVERSIZE_FRAGMENT;

	for (int i = 0; i < MIRROR_MAX_COLLECTORS; i++) {
		const struct mirror_collector *c = &g->collector[i];

		g->collector[i].device[MIRROR_DEVICE_LEN - 1] = '\0';
		valid &= i >= g->collectors || (format_of(c->format) && (!c->family || c->family == AF_INET ||
									 c->family == AF_INET6));
	}
	return valid;
}

bool shared_group(const struct shared *s, unsigned int slot, struct mirror_group *group)
{
	*group = s->groups[slot];
	return group->id && check_group(group);
}

unsigned int shared_legs(const struct shared *s, uint32_t id, uint32_t slots[MIRROR_MAX_LEGS])
{
	unsigned int n = 0;

	for (; n < MIRROR_MAX_LEGS && id; n++) {
		const struct mirror_group *group = &s->groups[id % MIRROR_MAX_GROUPS];

		if (group->id != id)
			break;
		slots[n] = id % MIRROR_MAX_GROUPS;
		id = group->next;
	}
	return n;
}

int shared_group_by_id(uint32_t id, struct mirror_group *group)
{
	static const struct bpf_map_shape shape = SHAPE_OF(struct mirror_group, MIRROR_MAX_GROUPS);
	__u32 slot = id % MIRROR_MAX_GROUPS;
	int fd, err = 0;

	if (access(HOST_PINS "/groups", F_OK) && errno == ENOENT)
		return -ENOENT;
	fd = bpf_info_open(HOST_PINS "/groups", &shape);
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &slot, group)) {
		err = -errno;
		log_error("%s: %s", HOST_PINS "/groups", error_text(err));
	}
	close(fd);
	if (err)
		return err;
	return group->id == id && check_group(group) ? 0 : -ENOENT;
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

const char *shared_collector_fault(const struct mirror_collector_counters *c)
{
	if (c->unreachable)
		return shared_unreachable_text(c->unreachable);
	return c->down ? "no route to it, or its link is down" : NULL;
}

const char *shared_error_name(int error)
{
	return strerrorname_np(error) ?: "unknown";
}

size_t shared_flows_used(const struct shared *s)
{
	size_t used = 0;

	for (uint32_t set = 0; set < s->flow_sets; set++)
		for (int way = 0; way < MIRROR_FLOW_WAYS; way++)
			used += s->flows[set].flow[way].tag != 0;
	return used;
}

double shared_lag_seconds(const struct shared *s)
{
	__u64 most = 0;

	for (int thread = 0; thread < MIRROR_MAX_THREADS; thread++)
		if (s->sent[thread * MIRROR_SENT_KEYS + SENT_LAG_MS] > most)
			most = s->sent[thread * MIRROR_SENT_KEYS + SENT_LAG_MS];
	return most / 1e3;
}

double shared_shed_ratio(__u32 shed)
{
	return shed / (double)UINT32_MAX;
}

static bool all_answer(const struct mirror_state *state, uint64_t now)
{
	uint64_t alive;

	for (int thread = 0; thread < MIRROR_MAX_THREADS; thread++) {
		alive = __atomic_load_n(&state->alive_ns[thread], __ATOMIC_RELAXED);
		if (alive && alive + SILENCE_NS <= now)
			return false;
	}
	return true;
}

bool shared_sender_answers(const struct shared *s, unsigned int patience_ms)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC), now;

	for (;; sleep_ms(10)) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (all_answer(s->state, now))
			return true;
		if (now - start >= patience_ms * 1000000ULL)
			return false;
	}
}

long shared_sender(void)
{
	return lock_holder(HOST_SENDER_LOCK);
}

void shared_report_sender(long error)
{
	log_error("cannot tell whether a sender runs: %s: %s", HOST_SENDER_LOCK, error_text(error));
}
