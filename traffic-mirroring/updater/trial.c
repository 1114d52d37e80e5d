// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../abi/flow_hash.h"
#include "../host/names.h"
#include "../host/rings.h"
#include "../host/shared.h"
#include "classes.h"
#include "load.h"
#include "maps.h"

#define RING_SIZE (128U << 10) /* any: a record is taken before the next one comes */
#define FLOW_SETS (1U << 18) /* 16 MiB: no flow of a capture should displace another one */

struct trial {
	enum direction direction;
	struct bpf_object *object;
	struct tables *tables;
	struct configuration *configuration;
	struct ring *ring;
	struct shared host; /* what the updater keeps for a host, as far as it is needed here */
	struct names *names; /* those of all filters, by class */
	int program;
	int cpus;
	struct mirror_cpu *before, *after; /* the last packet, by CPU */
};

static int private_map(const struct trial *t, const char *name)
{
	char full[64];
	int fd;

	snprintf(full, sizeof(full), MAP_PIN_NAME, direction_names[t->direction], name);
	fd = bpf_object__find_map_fd_by_name(t->object, full);
	return fd < 0 ? -ENOENT : fd;
}

/* For tables_open(), which closes what it gets. */
static int duplicate_map(void *ctx, const char *name)
{
	int fd = private_map(ctx, name);

	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int open_maps(struct trial *t)
{
	int err;

	t->tables = tables_open(duplicate_map, t, "", &err);
	return err;
}

/* Puts a map into an entry of a map of maps. */
static int link_map(int outer, uint32_t key, int inner)
{
	return bpf_map_update_elem(outer, &key, &inner, BPF_ANY) ? -errno : 0;
}

/* An array in memory, in entry 0 of a map of maps. */
static int link_array(int outer, uint32_t size, uint32_t entries, uint32_t flags, void *memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE | flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "trial", sizeof(uint32_t), size, entries, &options);
	int err = fd < 0 ? -errno : link_map(outer, 0, fd);
	void *at = MAP_FAILED;

	if (!err)
		at = mmap(NULL, (size_t)size * entries, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!err && at == MAP_FAILED)
		err = -errno;
	if (!err)
		*(void **)memory = at;
	if (fd >= 0)
		close(fd);
	return err;
}

/* What the updater makes for a host: a sender that is always there, and what is known of flows. */
static int link_host(struct trial *t)
{
	struct shared *h = &t->host;
	int err = link_array(tables_state_fd(t->tables), sizeof(*h->state), 1, 0, &h->state);

	if (err)
		return err;
	h->state->present = 1;
	h->flow_sets = FLOW_SETS;
	err = link_array(t->tables->fd[MAP_FLOWS], sizeof(*h->flows), FLOW_SETS, BPF_F_INNER_MAP, &h->flows);
	if (err)
		return err;
	h->names = calloc(MIRROR_MAX_CLASSES, sizeof(*h->names));
	h->rulesets = calloc(MIRROR_MAX_RULESETS, sizeof(*h->rulesets));
	if (!h->names || !h->rulesets)
		return -ENOMEM;
	return link_array(t->tables->fd[MAP_ACCEPTS], sizeof(*h->accepts),
			  MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES, 0, &h->accepts);
}

/* The ring of this CPU, which the process stays on from now on. */
static int link_ring(struct trial *t)
{
	int cpu = sched_getcpu(), fd, err;
	cpu_set_t *here = CPU_ALLOC(MIRROR_MAX_CPUS);
	size_t size = CPU_ALLOC_SIZE(MIRROR_MAX_CPUS);

	if (!here)
		return -ENOMEM;
	CPU_ZERO_S(size, here);
	CPU_SET_S(cpu, size, here);
	err = sched_setaffinity(0, size, here) ? -errno : 0;
	CPU_FREE(here);
	fd = err ? -1 : bpf_map_create(BPF_MAP_TYPE_RINGBUF, "trial_ring", 0, 0, RING_SIZE, NULL);
	if (fd < 0)
		return err ?: -errno;
	t->ring = calloc(1, sizeof(*t->ring));
	err = t->ring ? ring_open(t->ring, fd) : -ENOMEM;
	if (err) {
		free(t->ring);
		t->ring = NULL;
		close(fd);
		return err;
	}
	return link_map(tables_rings_fd(t->tables), cpu, fd);
}

static int allocate(struct trial *t)
{
	t->cpus = libbpf_num_possible_cpus();
	if (t->cpus < 0)
		return t->cpus;
	t->before = calloc(t->cpus, sizeof(*t->before));
	t->after = calloc(t->cpus, sizeof(*t->after));
	return t->before && t->after ? 0 : -ENOMEM;
}

static int commit(struct trial *t)
{
	struct configuration *c = t->configuration;
	const struct rulesets_used none = {};
	int err = classes_put(&t->host, c->filters, &none);

	if (err)
		return err;
	t->names = names_index(t->host.names);
	if (!t->names)
		return -ENOMEM;
	/* the number of devices stays: it tells whether a later fragment is enough to decide */
	for (size_t i = 0; i < c->filters->n; i++) {
		c->rows[i].exit = EXIT_RING;
		c->rows[i].group = 0;
	}
	c->until_ns = 0; /* as if --for had no end */
	c->flow_sets = FLOW_SETS;
	c->ruleset = 0;
	c->host = &t->host;
	return tables_commit(t->tables, c, false);
}

struct trial *trial_open(enum direction direction, struct bpf_object *object, struct configuration *c,
			 int *error)
{
	struct trial *t = calloc(1, sizeof(*t));

	*error = t ? 0 : -ENOMEM;
	if (!t)
		return NULL;
	t->direction = direction;
	t->object = object;
	t->configuration = c;
	t->program = bpf_program__fd(load_program(object, direction));
	*error = open_maps(t);
	if (!*error)
		*error = link_host(t);
	if (!*error)
		*error = link_ring(t);
	if (!*error)
		*error = allocate(t);
	if (!*error)
		*error = commit(t);
	if (!*error)
		return t;
	if (!log_reported())
		log_error("cannot try filters: %s", error_text(*error));
	trial_close(t);
	return NULL;
}

void trial_close(struct trial *t)
{
	if (!t)
		return;
	if (t->ring)
		rings_close(t->ring, 1);
	if (t->host.state)
		munmap(t->host.state, sizeof(*t->host.state));
	if (t->host.flows)
		munmap(t->host.flows, sizeof(*t->host.flows) * FLOW_SETS);
	if (t->host.accepts)
		munmap(t->host.accepts, sizeof(*t->host.accepts) * MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES);
	free(t->host.names);
	free(t->host.rulesets);
	free(t->names);
	free(t->before);
	free(t->after);
	tables_close(t->tables);
	free(t);
}

/* The outcome and the filter of the packet that ran last: whatever count has changed, on whatever CPU. */
static int read_result(struct trial *t, struct trial_result *r)
{
	struct mirror_cpu *after = t->after;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(t->tables->fd[MAP_CPUS], &zero, after))
		return -errno;
	for (int cpu = 0; cpu < t->cpus; cpu++) {
		for (int o = OUT_NONE + 1; o < OUT_COUNT; o++) {
			if (after[cpu].pending.outcome[o] == t->before[cpu].pending.outcome[o])
				continue;
			r->outcome = o;
			/* the others decide nothing, and the decision is that of another packet */
			if (o != OUT_NO_MATCH && o != OUT_MALFORMED && o != OUT_DISABLED)
				r->filter = after[cpu].decision.filter - 1;
		}
	}
	t->after = t->before;
	t->before = after;
	return 0;
}

static void take_copy(struct ring *ring, struct trial_result *r)
{
	const struct mirror_record *record = ring_peek(ring, 0);

	if (!record)
		return;
	if (record->flags & RECORD_UNDECIDED) {
		r->flow = (uint64_t)record->tag << 32 | record->hash;
		r->candidates = record->candidates;
	}
	ring_take(ring);
	ring_release(ring);
}

int trial_run(struct trial *t, const uint8_t *frame, uint32_t len, struct trial_result *result)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = len);
	int err = bpf_prog_test_run_opts(t->program, &run);

	*result = (struct trial_result){ .filter = -1 };
	if (!err)
		err = read_result(t, result);
	if (err)
		log_error("cannot run the program on a packet: %s", error_text(err));
	else
		take_copy(t->ring, result);
	return err;
}

uint16_t trial_class(const struct trial *t, const char *name)
{
	return names_class(t->names, name);
}

void trial_set_class(struct trial *t, uint64_t flow, uint16_t class)
{
	struct mirror_flow_set *set = &t->host.flows[flow_set(flow, FLOW_SETS)];
	uint32_t tag = flow_tag(flow), way = flow_way(set, tag);

	flow_give(&set->flow[way < MIRROR_FLOW_WAYS ? way : flow_victim(set, 0)], tag, class, 0);
}

void trial_decide(const struct trial *t, uint16_t class, struct trial_result *r)
{
	const struct mirror_ruleset *set = &t->host.rulesets[0];
	unsigned int bank = tables_config(t->tables).bank;
	const struct mirror_verdict *verdict;
	uint64_t word = set->nodomain[bank];

	if (class >= CLASS_FIRST)
		word |= t->host.accepts[class].bank[bank];
	word &= r->candidates;
	r->outcome = OUT_NO_MATCH;
	if (!word)
		return;
	r->filter = __builtin_ctzll(word);
	verdict = &set->verdict[bank][r->filter];
	if (verdict->action == ACTION_SKIP)
		r->outcome = OUT_SKIPPED;
	else if (hash_share(r->flow >> 32, verdict->sample))
		r->outcome = OUT_SAMPLED_OUT;
	else
		r->outcome = verdict->action == ACTION_COUNT ? OUT_COUNTED : OUT_RING;
}
