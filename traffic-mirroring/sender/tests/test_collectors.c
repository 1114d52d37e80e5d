/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A collector on this host, in a network namespace of the test's own; time is what the test says. */
#include "../groups.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../common/tests/loopback.h"
#include "../../../common/tests/unit.h"

#define PORT 6080
#define SECOND 1000000000ULL
#define CHECK (SECOND / 10)

static struct group group = {
	.config = {
		.id = 256,
		.collectors = 1,
		.collector = { { .format = FORMAT_GUE, .family = AF_INET, .port = PORT, .addr = { 127, 0, 0, 1 } } },
	},
	.share = { { .identity = 1, .weight = 1 } },
};
static struct groups groups = { .slot = { &group } };
static struct collector *const collector = &group.collector[0];
static struct mirror_collector_counters counters;
static uint64_t now;

FIXTURE(setup)
{
	now = 1000 * SECOND;
	counters = (struct mirror_collector_counters){ .group = 256 };
	group.share[0].unreachable = false;
	collector_open(collector, &group.config, &group.config.collector[0], &counters);
	return collector->unopened;
}

static void checks(double seconds)
{
	for (uint64_t end = now + seconds * SECOND; now < end; now += CHECK)
		groups_check_answers(&groups, now, true);
}

/* Each time that it is probed in vain it is left alone for as long as at first. */
TEST_AFTER(unreachable_until_a_probe_is_not_answered, setup)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int receiver = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t byte;

	assert_int_equal(send(collector->queue[0].fd, "copy", 4, 0), 4);
	collector->queue[0].used_ns = now;
	for (int i = 0; i < 300; i++) {
		checks(0.1);
		assert_int_equal(counters.unreachable, ECONNREFUSED);
		assert_null(group_choose(&group, 7));
	}
	groups_check_answers(&groups, now, false);
	assert_ptr_equal(group_choose(&group, 7), collector);
	assert_int_equal(bind(receiver, (struct sockaddr *)&name, sizeof(name)), 0);
	checks(11);
	assert_int_equal(counters.unreachable, 0);
	assert_ptr_equal(group_choose(&group, 7), collector);
	/* by one empty packet */
	assert_int_equal(recv(receiver, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(receiver, &byte, 1, MSG_DONTWAIT), -1);
	close(receiver);
}

/* So many bytes a second are offered, and the path takes so many. Returns how many it took. */
static uint32_t offer(double seconds, double offered, double takes)
{
	uint64_t before = counters.bytes;

	for (uint64_t end = now + seconds * SECOND; now < end; now += CHECK) {
		double come = offered * (1 - counters.shed / (double)UINT32_MAX) / 10;

		counters.bytes += come < takes / 10 ? come : takes / 10;
		collector->lost += come < takes / 10 ? 0 : come - takes / 10;
		collector_check(collector, now);
	}
	return counters.bytes - before;
}

TEST_AFTER(sheds_what_the_path_does_not_take, setup)
{
	uint64_t lost;

	offer(1, 9e6, 1e7);
	assert_int_equal(counters.shed, 0);
	offer(1, 1e8, 1e7);
	lost = collector->lost;
	assert_true(offer(10, 1e8, 1e7) > 7e7);
	/* a try with more, now and then */
	assert_true(collector->lost - lost < 2e6);
	offer(200, 5e6, 1e7);
	assert_int_equal(counters.shed, 0);
}

/* One that did not get rid of its copies at once, and did not take a hundredth of them, sheds nothing. */
TEST_AFTER(a_moment_that_is_full, setup)
{
	offer(1, 9e6, 1e7);
	offer(0.1, 9e6, 1e6);
	offer(1, 9e6, 1e7);
	offer(1, 1.005e7, 1e7);
	assert_int_equal(counters.shed, 0);
}

/* The sum of what is waited for it is limited, and it has none while it sheds. */
TEST_AFTER(is_waited_for_a_moment, setup)
{
	assert_true(collector_may_wait(collector));
	collector->waited_ns = SECOND;
	assert_false(collector_may_wait(collector));
	checks(10);
	assert_true(collector_may_wait(collector));
	counters.shed = 1;
	assert_false(collector_may_wait(collector));
}

TEST_MAIN(loopback, NULL)
