// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/clock.h"
#include "../../common/log.h"

/* For the answer of a neighbour, which takes less than a millisecond in most networks. */
#define ANSWER_MS 100
#define ANSWER_POLL_MS 2

static struct mirror_collector_counters *counters_of(const struct shared *shared, unsigned int slot)
{
	return &shared->collectors[slot * MIRROR_MAX_COLLECTORS];
}

static void open_group(struct group *g, struct mirror_collector_counters *counters)
{
	for (int i = 0; i < g->config.collectors; i++) {
		const struct mirror_collector *c = &g->config.collector[i];
		struct address address = { .family = c->family };
		char name[64];

		memcpy(address.bytes, c->addr, sizeof(address.bytes));
		/* two collectors may have one address, and some have none */
		snprintf(name, sizeof(name), "%s/%u/%.*s", format_of(c->format)->name, c->id,
			 MIRROR_DEVICE_LEN, c->device);
		g->share[i] = (struct spread_share){
			.identity = spread_identity(name, &address, c->port),
			.weight = c->weight,
		};
		collector_open(&g->collector[i], &g->config, c, &counters[i]);
	}
}

static void link_legs(const struct groups *groups)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct group *g = groups->slot[slot];

		if (!g || !g->config.next)
			continue;
		g->next = groups_find(groups, g->config.next);
		if (!g->next)
			log_error("group %u in the groups map is lost", g->config.next);
	}
}

int groups_open(struct groups *groups, const struct shared *shared)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct mirror_group config;
		struct group *g;

		groups->slot[slot] = NULL;
		if (!shared_group(shared, slot, &config)) {
			if (config.id)
				log_error("group %u in the groups map is damaged", config.id);
			continue;
		}
		g = groups->slot[slot] = calloc(1, sizeof(*g));
		if (!g) {
			log_error("no memory for group %u", config.id);
			return -ENOMEM;
		}
		g->config = config;
		open_group(g, counters_of(shared, slot));
	}
	link_legs(groups);
	return 0;
}

void groups_publish(const struct groups *groups, const struct shared *shared)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		const struct group *g = groups->slot[slot];
		struct mirror_collector_counters *counters = counters_of(shared, slot);

		for (int i = 0; g && i < MIRROR_MAX_COLLECTORS; i++) {
			if (counters[i].group != g->config.id)
				counters[i] = (struct mirror_collector_counters){ .group = g->config.id };
			if (g->collector[i].unopened || !shared_is_answer(counters[i].unreachable))
				counters[i].unreachable = g->collector[i].unopened;
			counters[i].down = i < g->config.collectors && !g->collector[i].usable;
		}
	}
}

struct collector *group_choose(struct group *g, uint32_t hash)
{
	int index = spread_choose(g->share, g->config.collectors, hash);

	return index < 0 ? NULL : &g->collector[index];
}

/* Calls f for every collector; returns how many returned true. */
static unsigned int each_collector(const struct groups *groups, bool (*f)(struct collector *c))
{
	unsigned int n = 0;

	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		for (int i = 0; groups->slot[slot] && i < groups->slot[slot]->config.collectors; i++)
			n += f(&groups->slot[slot]->collector[i]);
	return n;
}

static bool numbers_copies(struct collector *c)
{
	return c->config->format == FORMAT_ERSPAN;
}

bool groups_number_copies(const struct groups *groups)
{
	return each_collector(groups, numbers_copies);
}

void groups_await_neighbours(const struct groups *groups)
{
	each_collector(groups, collector_ask);
	for (int waited = 0; waited < ANSWER_MS && each_collector(groups, collector_waits);
	     waited += ANSWER_POLL_MS)
		sleep_ms(ANSWER_POLL_MS);
}

void groups_check_answers(struct groups *groups, uint64_t now, bool failover)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct group *g = groups->slot[slot];

		for (int i = 0; g && i < g->config.collectors; i++) {
			struct collector *c = &g->collector[i];

			collector_check(c, now);
			g->share[i].unreachable = failover && c->counters->unreachable;
		}
	}
}
