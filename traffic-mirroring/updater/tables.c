// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The maps of a direction: opening, the word in force, rollback, counters. */
#include "tables.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../common/bpf_info.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/pins.h"
#include "maps.h"
#include "rulesets.h"

#define MAP_NAME(ID, name, ...) [MAP_##ID] = #name,
static const char *const map_names[MAP_COUNT] = { MIRROR_MAPPED_MAPS(MAP_NAME) MIRROR_NUMBERS(
	MAP_NAME) MIRROR_ADDRESSES(MAP_NAME) MIRROR_OTHER_MAPS(MAP_NAME) MIRROR_HOST_LINKS(MAP_NAME) };

#define SHAPE(ID, name, kind, key, value, entries, flags) \
	[MAP_##ID] = { BPF_MAP_TYPE_##kind, sizeof(key), sizeof(value), entries, flags },
#define NUMBER_SHAPE(ID, name, values, ...) MIRROR_NUMBER_MAP(SHAPE, ID, name, values)
#define ADDRESS_SHAPE(ID, name, dimension, version) MIRROR_ADDRESS_MAP(SHAPE, ID, name, version)
static const struct bpf_map_shape shapes[MAP_COUNT] = { MIRROR_MAPPED_MAPS(SHAPE) MIRROR_NUMBERS(
	NUMBER_SHAPE) MIRROR_ADDRESSES(ADDRESS_SHAPE) MIRROR_OTHER_MAPS(SHAPE) MIRROR_HOST_LINKS(SHAPE) };

#define ADDRESS_TABLE(ID, name, dimension, version) { MAP_##ID, DIM_##dimension, version },
const struct address_table address_tables[ADDRESS_TABLES] = { MIRROR_ADDRESSES(ADDRESS_TABLE) };

struct configuration *configuration_new(void)
{
	struct configuration *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->filters = filter_set_new();
	if (!c->filters) {
		free(c);
		return NULL;
	}
	return c;
}

void configuration_free(struct configuration *c)
{
	if (!c)
		return;
	filter_set_free(c->filters);
	free(c);
}

bool configuration_uses_flows(const struct configuration *c)
{
	for (size_t i = 0; i < c->filters->n; i++)
		if (c->rows[i].first || c->rows[i].clone_above)
			return true;
	return filters_constrain(c->filters, DIM_DOMAIN);
}

/* about: the map's fd, or a negative errno. */
static int check_layout(int about, const char *where)
{
	struct bpf_map_info info;
	int err = about < 0 ? about : bpf_info_map(about, &info);

	if (err && err != -ENOENT) {
		log_error("%s%s: %s", where, map_names[MAP_ABOUT], error_text(err));
		return err;
	}
	return err || info.max_entries != MIRROR_LAYOUT ? -ESTALE : 0;
}

static int open_map(struct tables *t, enum map map, const char *where)
{
	int fd = t->fd[map], err = map == MAP_ABOUT ? check_layout(fd, where) : 0;
	char name[PATH_MAX];
	void *memory;

	snprintf(name, sizeof(name), "%s%s", where, map_names[map]);
	if (!err && fd < 0) {
		log_error("%s: %s", name, error_text(fd));
		return fd;
	}
	if (!err)
		err = bpf_info_expect(fd, name, &shapes[map]);
	if (err || map >= MAP_MAPPED)
		return err;
	memory = mmap(NULL, bpf_info_mapped_size(&shapes[map]), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		err = -errno;
		log_error("%s: %s", name, error_text(err));
		return err;
	}
	t->mapped[map] = memory;
	return 0;
}

struct tables *tables_open(int (*map_fd)(void *ctx, const char *name), void *ctx, const char *where,
			   int *error)
{
	struct tables *t = calloc(1, sizeof(*t));

	*error = t ? 0 : -ENOMEM;
	if (!t)
		return NULL;
	for (int map = 0; map < MAP_COUNT; map++)
		t->fd[map] = -1;
	for (int map = 0; map < MAP_COUNT && !*error; map++) {
		t->fd[map] = map_fd(ctx, map_names[map]);
		*error = open_map(t, map, where);
	}
	if (*error) {
		tables_close(t);
		return NULL;
	}
	return t;
}

/* prefix: of a path */
static int open_pinned(void *prefix, const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s%s", (const char *)prefix, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

struct tables *tables_open_pinned(const char *dir, enum direction direction, int *error)
{
	char prefix[PATH_MAX + 32];

	*error = pins_check(dir);
	if (*error)
		return NULL;
	snprintf(prefix, sizeof(prefix), "%s/" MAP_PIN_NAME, dir, direction_names[direction], "");
	return tables_open(open_pinned, prefix, prefix, error);
}

int tables_network(const char *dir, enum direction direction, uint64_t *network)
{
	struct bpf_map_shape shape = shapes[MAP_ABOUT];
	struct mirror_about about = {};
	char path[PATH_MAX + 32];
	__u32 zero = 0;
	int fd, err = 0;

	*network = 0;
	shape.max_entries = 0; /* of any layout */
	snprintf(path, sizeof(path), "%s/" MAP_PIN_NAME, dir, direction_names[direction],
		 map_names[MAP_ABOUT]);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	fd = bpf_info_open(path, &shape);
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, &about)) {
		err = -errno;
		log_error("%s: %s", path, error_text(err));
	}
	close(fd);
	*network = about.network;
	return err;
}

void tables_close(struct tables *t)
{
	if (!t)
		return;
	for (int map = 0; map < MAP_MAPPED; map++)
		if (t->mapped[map])
			munmap(t->mapped[map], bpf_info_mapped_size(&shapes[map]));
	for (int map = 0; map < MAP_COUNT; map++)
		if (t->fd[map] >= 0)
			close(t->fd[map]);
	free(t);
}

struct mirror_config tables_config(const struct tables *t)
{
	struct mirror_config config;
	uint64_t word = __atomic_load_n((const uint64_t *)t->config, __ATOMIC_ACQUIRE);

	memcpy(&config, &word, sizeof(config));
	config.bank &= MIRROR_BANKS - 1; /* whoever writes to the map, and as the data path takes it */
	return config;
}

static void read_options(const struct tables *t, unsigned int bank, struct mirror_options *options)
{
	*options = t->options[bank];
	for (int i = 0; i < OPT_COUNT; i++) {
		if (options->origin[i] > ORIGIN_UPDATE)
			options->origin[i] = ORIGIN_NONE;
		options->text[i][MIRROR_OPTION_LEN - 1] = '\0';
	}
	for (int i = 0; i < SET_COUNT; i++)
		if (options->setting_origin[i] > ORIGIN_UPDATE)
			options->setting_origin[i] = ORIGIN_NONE;
}

void tables_options(const struct tables *t, struct mirror_options *options)
{
	read_options(t, tables_config(t).bank, options);
}

bool tables_configured(const struct tables *t)
{
	static const struct mirror_options none;
	struct mirror_options options;

	tables_options(t, &options);
	return options.started || memcmp(options.origin, none.origin, sizeof(none.origin)) ||
	       memcmp(options.setting_origin, none.setting_origin, sizeof(none.setting_origin));
}

void tables_delivery(const struct tables *t, struct delivery *d)
{
	struct mirror_options options;

	tables_options(t, &options);
	delivery_parse(&options, d);
}

int tables_near_fd(const struct tables *t)
{
	return t->fd[MAP_NEAR];
}

int tables_rings_fd(const struct tables *t)
{
	return t->fd[MAP_RINGS];
}

int tables_state_fd(const struct tables *t)
{
	return t->fd[MAP_STATE];
}

int tables_flows_fd(const struct tables *t)
{
	return t->fd[MAP_FLOWS];
}

int tables_accepts_fd(const struct tables *t)
{
	return t->fd[MAP_ACCEPTS];
}

bool tables_use_flows(const struct tables *t)
{
	return t->banks[0].flow_sets || t->banks[1].flow_sets;
}

void tables_set_flow_sets(struct tables *t, uint32_t sets)
{
	for (int bank = 0; bank < MIRROR_BANKS; bank++)
		if (t->banks[bank].flow_sets)
			t->banks[bank].flow_sets = sets;
}

int tables_ruleset(const struct tables *t, unsigned int bank)
{
	const struct mirror_bank *b = &t->banks[bank];
	bool used = b->filters & b->tests[DIM_DOMAIN];

	return used && b->ruleset < MIRROR_MAX_RULESETS ? b->ruleset : -1;
}

/* The row of a filter that copies into the rings, else NULL. */
static const struct mirror_filter *ring_row(const struct tables *t, int bank, int i)
{
	const struct mirror_filter *row = &t->filters[bank * MIRROR_MAX_FILTERS + i];
	bool active = t->banks[bank].filters >> i & 1;

	return active && row->exit == EXIT_RING && row->action == ACTION_MIRROR ? row : NULL;
}

void tables_each_group(const struct tables *t, void (*visit)(void *ctx, uint32_t group), void *ctx)
{
	for (int bank = 0; bank < MIRROR_BANKS; bank++)
		for (int i = 0; i < MIRROR_MAX_FILTERS; i++)
			if (ring_row(t, bank, i))
				visit(ctx, ring_row(t, bank, i)->group);
}

bool tables_started(const struct tables *t)
{
	return t->options[tables_config(t).bank].started;
}

void tables_set_started(struct tables *t, bool started)
{
	t->options[tables_config(t).bank].started = started;
}

bool tables_use_rings(const struct tables *t)
{
	for (int i = 0; i < MIRROR_MAX_FILTERS; i++)
		if (ring_row(t, tables_config(t).bank, i))
			return true;
	return tables_ruleset(t, tables_config(t).bank) >= 0;
}

void tables_each_device(const struct tables *t, void (*visit)(void *ctx, const struct mirror_device *device),
			void *ctx)
{
	unsigned int bank = tables_config(t).bank % MIRROR_BANKS;

	for (int i = 0; i < MIRROR_MAX_FILTERS; i++) {
		const struct mirror_filter *row = &t->filters[bank * MIRROR_MAX_FILTERS + i];

		if (!(t->banks[bank].filters >> i & 1) || row->action != ACTION_MIRROR)
			continue;
		for (uint32_t d = 0; d < row_devices(row); d++)
			visit(ctx, &row->device[d]);
	}
}

void config_store(struct tables *t, struct mirror_config config)
{
	uint64_t word;

	memcpy(&word, &config, sizeof(word));
	/* release: what the word leads to is written before it */
	__atomic_store_n((uint64_t *)t->config, word, __ATOMIC_RELEASE);
}

int tables_previous_delivery(const struct tables *t, struct delivery *d)
{
	struct mirror_config config = tables_config(t);
	struct mirror_options options;

	if (!config.can_rollback)
		return -ENOENT;
	read_options(t, !config.bank, &options);
	delivery_parse(&options, d);
	return 0;
}

int tables_rollback(struct tables *t)
{
	struct mirror_config config = tables_config(t);
	int err;

	config.bank = !config.bank;
	config.generation++;
	err = ruleset_restore(t, config.bank, config.generation);
	if (!err)
		config_store(t, config);
	return err;
}

static int read_totals(const struct tables *t, struct counters *totals)
{
	static const struct {
		enum map map;
		size_t offset;
		__u32 n;
	} arrays[] = {
		{ MAP_COUNTERS, offsetof(struct counters, outcome), OUT_COUNT },
		{ MAP_FILTER_PACKETS, offsetof(struct counters, packets), 1 + MIRROR_COUNTERS },
		{ MAP_FILTER_BYTES, offsetof(struct counters, bytes), 1 + MIRROR_COUNTERS },
	};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		uint64_t *values = (uint64_t *)((char *)totals + arrays[i].offset);

		for (__u32 key = 0; key < arrays[i].n; key++)
			if (bpf_map_lookup_elem(t->fd[arrays[i].map], &key, &values[key]))
				return -errno;
	}
	return 0;
}

static void add_pending(struct mirror_pending *sum, const struct mirror_pending *pending)
{
	for (int i = 0; i < OUT_COUNT; i++)
		sum->outcome[i] += pending->outcome[i];
	for (int i = 0; i < MIRROR_COUNTERS; i++) {
		sum->packets[i] += pending->packets[i];
		sum->bytes[i] += pending->bytes[i];
	}
}

int tables_pending(const struct tables *t, struct mirror_pending *sum)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	struct mirror_cpu *at;
	__u32 zero = 0;

	if (cpus < 0)
		return cpus;
	at = calloc(cpus, sizeof(*at));
	if (!at)
		return -ENOMEM;
	memset(sum, 0, sizeof(*sum));
	if (bpf_map_lookup_elem(t->fd[MAP_CPUS], &zero, at))
		err = -errno;
	for (int cpu = 0; cpu < cpus && !err; cpu++)
		add_pending(sum, &at[cpu].pending);
	free(at);
	return err;
}

int tables_counters(const struct tables *t, struct counters *counters)
{
	struct mirror_pending pending;
	struct counters after;
	int err, tries = 16;

	/*
	 * A CPU may move its pending counts to the totals between two reads. Totals that did not change
	 * around the read of the pending counts belong to them; under traffic that never pauses the last try
	 * is off by some flushes, as any later one would be by the packets since.
	 */
	do {
		err = read_totals(t, counters);
		if (!err)
			err = tables_pending(t, &pending);
		if (!err)
			err = read_totals(t, &after);
	} while (!err && memcmp(counters, &after, sizeof(after)) && --tries);

	for (int i = 0; !err && i < OUT_COUNT; i++)
		counters->outcome[i] += pending.outcome[i];
	for (int i = 0; !err && i < MIRROR_COUNTERS; i++) {
		counters->packets[i + 1] += pending.packets[i];
		counters->bytes[i + 1] += pending.bytes[i];
	}
	return err;
}

struct filter_counts filter_counts(const struct counters *counters, const struct mirror_filter *row)
{
	uint64_t packets = counters->packets[row->counter], bytes = counters->bytes[row->counter];

	/* the counter is another rule's by now, if somebody commits twice meanwhile: status takes no lock */
	if (packets < row->base_packets || bytes < row->base_bytes)
		return (struct filter_counts){};
	return (struct filter_counts){ packets - row->base_packets, bytes - row->base_bytes };
}

const char *outcome_name(enum mirror_outcome outcome)
{
#define NAME(name, public, help, kind) [OUT_##name] = public,
	static const char *const names[] = { [OUT_NONE] = "none", MIRROR_OUTCOMES(NAME) };
#undef NAME
	_Static_assert(sizeof(names) / sizeof(names[0]) == OUT_COUNT, "a name for each outcome");

	return outcome < OUT_COUNT ? names[outcome] : "unknown";
}
