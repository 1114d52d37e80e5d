/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The loads of several threads as one. */
#include "../../../common/tests/unit.h"
#include "../host_limits.h"

#include <string.h>

#include "../../../common/clock.h"

#define THREADS 2

static struct mirror_state host;
static struct mirror_settings settings;
static struct mirror_group groups[MIRROR_MAX_GROUPS];
static struct mirror_collector_counters collectors[MIRROR_MAX_THREADS * MIRROR_COLLECTORS];
static __u64 sent[MIRROR_MAX_THREADS * MIRROR_SENT_KEYS];
static const struct shared shared = {
	.state = &host, .settings = &settings, .groups = groups, .collectors = collectors, .sent = sent
};
static struct drain drain[THREADS];
static struct host_limits limits;
static uint64_t now;

FIXTURE(setup)
{
	memset(&host, 0, sizeof(host));
	memset(sent, 0, sizeof(sent));
	memset(collectors, 0, sizeof(collectors));
	memset(&limits, 0, sizeof(limits));
	memset(drain, 0, sizeof(drain));
	settings = (struct mirror_settings){};
	host.thread_mask = THREADS - 1;
	now = SECOND_NS;
	host_limits_begin(&limits, &shared, drain, THREADS, now);
	return 0;
}

/* Steps for so long, with the threads busy for a share of the time, in per cent. */
static void run(double seconds, int first, int second)
{
	for (int i = 0; i < seconds * SECOND_NS / LIMITS_STEP_NS; i++) {
		now += LIMITS_STEP_NS;
		drain[0].load.busy_ns += LIMITS_STEP_NS / 100 * first;
		drain[1].load.busy_ns += LIMITS_STEP_NS / 100 * second;
		host_limits_step(&limits, &shared, drain, THREADS, now);
	}
}

TEST_AFTER(one_thread_without_time_is_enough, setup)
{
	run(0.4, 10, 50);
	assert_false(host_limits_busy(&limits));
	run(1, 50, 50);
	assert_false(host_limits_busy(&limits)); /* not their sum */
	run(0.9, 10, 100);
	assert_true(host_limits_busy(&limits));
}

TEST_AFTER(the_fullest_ring_of_any_thread_counts, setup)
{
	drain[1].load.fill = 0.6;
	run(0.02, 1, 1);
	assert_true(host_limits_busy(&limits));
	drain[1].load.produced = 2000000;
	drain[1].load.consumed = 1000000;
	run(0.01, 1, 1);
	assert_true(host.shed > 0);
}

TEST_AFTER(the_rate_of_the_host_is_that_of_all_threads, setup)
{
	settings.max_rate.packets = 1000;
	for (int i = 0; i < 10; i++) {
		sent[SENT_COPIES] += 60;
		sent[MIRROR_SENT_KEYS + SENT_COPIES] += 60;
		run(0.1, 1, 1);
	}
	assert_true(host.shed > 0);
}

TEST_AFTER(counters_of_a_collector, setup)
{
	struct mirror_collector_counters all;

	collectors[0] = (struct mirror_collector_counters){ .group = 256, .copies = 1, .shed = 100 };
	collectors[MIRROR_COLLECTORS] =
		(struct mirror_collector_counters){ .group = 256, .copies = 2, .unreachable = 7 };
	/* of an earlier group, and of a thread that is no more */
	collectors[2 * MIRROR_COLLECTORS] = (struct mirror_collector_counters){ .group = 512, .copies = 4 };
	collectors[3 * MIRROR_COLLECTORS] =
		(struct mirror_collector_counters){ .group = 256, .copies = 8, .shed = 100, .down = 1 };
	all = shared_collector(&shared, 0, 0);
	assert_int_equal(all.copies, 11);
	assert_int_equal(all.shed, 50);
	assert_int_equal(all.unreachable, 7);
	assert_int_equal(all.down, 0);
}

TEST_MAIN(NULL, NULL)
