// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sender_status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../common/log.h"
#include "collector.h"
#include "rings.h"
#include "shared.h"

static void print_rings(const struct shared *s, const struct ring *rings, size_t n)
{
	uint64_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += rings[i].size;
	printf("rings    %zu CPUs, %" PRIu64 " KiB in all, the fullest at %.0f %%, lag %llu ms\n",
	       n / RINGS_PER_CPU, size >> 10, 100 * rings_fill(rings, n), s->sent[SENT_LAG_MS]);
	printf("overload %.1f %% of the flows are left out\n", 100.0 * s->state->shed / UINT32_MAX);
}

static void print_counters(const struct shared *s)
{
	printf("counters\n");
	for (int i = 0; i < SENT_COUNT; i++)
		if (sent_info[i].name && (s->sent[i] || i <= SENT_BYTES))
			printf("  %-44s %14llu\n", sent_info[i].help, s->sent[i]);
	for (int i = 0; i < MIRROR_ERRNOS; i++)
		if (s->sent_errors[i])
			printf("    %-42s %14llu\n", i ? strerror(i) : "unknown", s->sent_errors[i]);
}

static void print_group(const struct shared *s, unsigned int slot)
{
	const struct mirror_group *g = &s->groups[slot];
	const struct mirror_collector_counters *counters = &s->collectors[slot * MIRROR_MAX_COLLECTORS];
	static const struct mirror_collector_counters none;
	char text[COLLECTOR_TEXT_LEN];

	printf("group %u%s\n", g->id,
	       counters->group != g->id ? ", not opened yet" :
	       s->state->stopped[slot]	? ", stopped: no way to its collectors" :
					  "");
	for (int i = 0; i < g->collectors && i < MIRROR_MAX_COLLECTORS; i++) {
		const struct mirror_collector_counters *c = counters[i].group == g->id ? &counters[i] : &none;

		collector_print(&g->collector[i], text);
		printf("  %-40s %12llu copies %14llu bytes %8llu refused%s%s\n", text, c->copies, c->bytes,
		       c->refused, c->unreachable ? ", " : "",
		       c->unreachable ? shared_unreachable_text(c->unreachable) : "");
	}
}

int sender_status_print(bool *running)
{
	long pid = shared_sender();
	struct ring *rings;
	struct shared s;
	size_t n;
	int err;

	*running = pid > 0;
	if (pid == -ENOENT) {
		log_error("this host has no rings; `mirroring start` makes them for the first filter with a "
			  "collector");
		return pid;
	}
	err = pid < 0 ? (int)pid : shared_open(&s);
	if (!err)
		err = rings_open(&rings, &n);
	if (err)
		return err;
	if (*running)
		printf("sender   running, process %ld%s\n", pid, s.state->sleeping ? ", asleep" : "");
	else
		printf("sender   not running%s\n", s.state->present ? ", and did not end by itself" : "");
	print_rings(&s, rings, n);
	rings_close(rings, n);
	print_counters(&s);
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		if (s.groups[slot].id)
			print_group(&s, slot);
	return 0;
}
