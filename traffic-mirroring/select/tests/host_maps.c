// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../abi/flow_hash.h"
#include "../../host/names.h"
#include "../../updater/domain.h"

enum { STATE, FLOWS, ACCEPTS, NEAR, SPILL };

#define RING_SIZE (1 << 21)

/* A map, made, and mapped into memory if asked for. */
static int make(int type, uint32_t value, uint32_t entries, uint32_t flags, void *memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, "host", value ? sizeof(__u32) : 0, value, entries, &opts);
	void *at;

	if (fd < 0)
		return fixture_failed("a map of the host");
	if (!memory)
		return fd;
	at = mmap(NULL, (size_t)value * entries, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		close(fd);
		return fixture_failed("memory of the host");
	}
	*(void **)memory = at;
	return fd;
}

static int link_map(const struct host_maps *maps, enum direction d, const char *name, __u32 key, int map)
{
	int outer = datapath_map(&maps->fixture->datapath[d], name);

	return bpf_map_update_elem(outer, &key, &maps->fd[map], BPF_ANY) ? fixture_failed(name) : 0;
}

static int link_maps(const struct host_maps *maps, enum direction d)
{
	int error = link_map(maps, d, "state", 0, STATE)	 ?:
			    link_map(maps, d, "flows", 0, FLOWS) ?:
								   link_map(maps, d, "accepts", 0, ACCEPTS);

	for (int cpu = 0; cpu < libbpf_num_possible_cpus() && !error; cpu++)
		error = link_map(maps, d, "near", cpu, NEAR) ?: link_map(maps, d, "rings", cpu, SPILL);
	return error;
}

int host_maps_open(struct host_maps *maps, struct fixture *fixture, uint32_t sets)
{
	*maps = (struct host_maps){ .fixture = fixture, .sets = sets };
	maps->fd[STATE] = make(BPF_MAP_TYPE_ARRAY, sizeof(*maps->state), 1, BPF_F_MMAPABLE, &maps->state);
	maps->fd[FLOWS] = make(BPF_MAP_TYPE_ARRAY, sizeof(*maps->flows), sets,
			       BPF_F_MMAPABLE | BPF_F_INNER_MAP, &maps->flows);
	maps->fd[ACCEPTS] = make(BPF_MAP_TYPE_ARRAY, sizeof(*maps->accepts),
				 MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES, BPF_F_MMAPABLE, &maps->accepts);
	maps->fd[NEAR] = make(BPF_MAP_TYPE_ARRAY, sizeof(struct mirror_near), 1, BPF_F_MMAPABLE, NULL);
	maps->fd[SPILL] = make(BPF_MAP_TYPE_RINGBUF, 0, RING_SIZE, 0, NULL);
	for (int i = 0; i < HOST_MAPS; i++)
		if (maps->fd[i] < 0)
			return maps->fd[i];
	maps->state->present = 1;
	if (ring_open(&maps->near, maps->fd[NEAR]) || ring_open(&maps->spill, maps->fd[SPILL]))
		return fixture_failed("a ring");
	return link_maps(maps, INGRESS) ?: link_maps(maps, EGRESS);
}

void host_maps_close(struct host_maps *maps)
{
	ring_close(&maps->near);
	ring_close(&maps->spill);
	munmap(maps->state, sizeof(*maps->state));
	munmap(maps->flows, sizeof(*maps->flows) * maps->sets);
	munmap(maps->accepts, sizeof(*maps->accepts) * MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES);
	for (int i = 0; i < NEAR; i++)
		close(maps->fd[i]);
}

static bool accepts(const struct filter *f, const char *text)
{
	struct mirror_name name;

	name_parse(text, strlen(text), &name);
	for (size_t i = 0; i < f->domain.n; i++)
		if (!name_compare(&f->domain.at[i], &name) || name_covers(&f->domain.at[i], &name))
			return true;
	return false;
}

uint16_t host_maps_ruleset(enum direction direction)
{
	return 3 + direction; /* any but the first */
}

struct configuration *host_maps_configuration(const struct host_maps *maps, enum direction d,
					      const char *rules)
{
	struct configuration *c = datapath_configuration(rules);

	if (!c)
		return NULL;
	c->flow_sets = maps->sets;
	c->ruleset = host_maps_ruleset(d);
	for (size_t i = 0; i < c->filters->n; i++)
		if (!c->filters->at[i].n_to)
			c->rows[i].exit = EXIT_RING;
	return c;
}

int host_maps_put(struct host_maps *maps, enum direction d, const struct configuration *c)
{
	struct tables *tables = maps->fixture->datapath[d].tables;
	unsigned int spare = !tables_config(tables).bank;
	struct mirror_words *words = maps->accepts + host_maps_ruleset(d) * MIRROR_MAX_CLASSES + CLASS_FIRST;

	for (size_t n = 0; n < maps->n_names; n++) {
		words[n].bank[spare] = 0;
		for (size_t i = 0; i < c->filters->n; i++)
			if (accepts(&c->filters->at[i], maps->names[n]))
				words[n].bank[spare] |= UINT64_C(1) << i;
	}
	return tables_commit(tables, c, false);
}

int host_maps_commit(struct host_maps *maps, enum direction d, const char *rules)
{
	struct configuration *c = host_maps_configuration(maps, d, rules);
	int error = c ? host_maps_put(maps, d, c) : -EINVAL;

	configuration_free(c);
	return error;
}

static unsigned int take_all(struct host_maps *maps, struct ring *ring)
{
	const struct mirror_record *r;
	unsigned int records = 0;
	uint32_t len;

	for (; (r = ring_peek(ring, 0)); ring_take(ring), records++) {
		len = ring_captured(ring, r);
		maps->record = *r;
		memcpy(maps->data, r->data, len < HOST_DATA ? len : HOST_DATA);
	}
	ring_release(ring);
	return records;
}

unsigned int host_maps_records(struct host_maps *maps)
{
	return take_all(maps, &maps->near) + take_all(maps, &maps->spill);
}

struct mirror_flow_set *host_maps_set(const struct host_maps *maps, uint64_t hash)
{
	return &maps->flows[flow_set(hash, maps->sets)];
}

struct mirror_flow *host_maps_flow(const struct host_maps *maps, uint64_t hash)
{
	struct mirror_flow_set *set = host_maps_set(maps, hash);
	uint32_t way = flow_way(set, flow_tag(hash));

	return way < MIRROR_FLOW_WAYS ? &set->flow[way] : NULL;
}

void host_maps_decide(struct host_maps *maps, uint64_t hash, uint16_t class)
{
	struct mirror_flow_set *set = host_maps_set(maps, hash);
	uint32_t way = flow_way(set, flow_tag(hash));

	if (way == MIRROR_FLOW_WAYS)
		way = flow_victim(set, 0);
	flow_give(&set->flow[way], flow_tag(hash), class, 0);
}

void host_maps_clear(struct host_maps *maps)
{
	memset(maps->flows, 0, sizeof(*maps->flows) * maps->sets);
}

static uint64_t end_hash(const struct ref_flow *flow, int end)
{
	uint32_t addr[4];

	memcpy(addr, flow->end[end].addr, sizeof(addr));
	return hash_end(addr, flow->end[end].port);
}

uint64_t host_maps_hash(const struct ref_flow *flow)
{
	return hash_flow(end_hash(flow, 0), end_hash(flow, 1), flow->proto);
}
