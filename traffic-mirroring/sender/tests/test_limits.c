/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The controller against a made-up host: rings of a size, a sender of a speed, and flows that come and go. */
#include "../../../common/tests/unit.h"
#include "../limits.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEP_S (LIMITS_STEP_NS / 1e9)
#define COPY_BYTES 1000
#define RING_BYTES (32e6)

static struct limits limits;
static struct limits_input in;
static double queue; /* bytes in the ring */
static double lost; /* bytes that found it full */
static uint32_t shed;

FIXTURE(setup)
{
	in = (struct limits_input){ .now_ns = 1000000000 };
	queue = lost = 0;
	shed = 0;
	limits_begin(&limits, 0, &in);
	return 0;
}

static double share(void)
{
	return (double)shed / UINT32_MAX;
}

/* Lets time pass: copies per second that are offered, and that the sender can send. */
static void run(double seconds, double offered, double capacity)
{
	for (long step = 0; step < seconds / STEP_S; step++) {
		double come = offered * (1 - share()) * STEP_S * COPY_BYTES;
		double can = capacity * STEP_S * COPY_BYTES, sent;

		if (queue + come > RING_BYTES) {
			lost += queue + come - RING_BYTES;
			come = RING_BYTES - queue;
		}
		queue += come;
		sent = queue < can ? queue : can;
		queue -= sent;
		in.now_ns += LIMITS_STEP_NS;
		in.produced += come;
		in.consumed += sent;
		in.copies += sent / COPY_BYTES;
		in.bits += sent * 8;
		in.busy_ns += LIMITS_STEP_NS * (sent / can);
		in.fill = queue / RING_BYTES;
		shed = limits_step(&limits, &in);
	}
}

TEST_AFTER(test_nothing_is_shed_without_need, setup)
{
	run(10, 900000, 1000000);
	assert_int_equal(shed, 0);
}

/* At twice what can be sent: soon half of the flows, none lost after that, and then hardly a change. */
TEST_AFTER(test_twice_the_load, setup)
{
	uint32_t least, most;

	run(0.3, 2000000, 1000000);
	assert_true(share() > 0.45 && share() < 0.7);
	lost = 0;
	least = most = shed;
	for (int i = 0; i < 600; i++) {
		run(0.1, 2000000, 1000000);
		least = shed < least ? shed : least;
		most = shed > most ? shed : most;
	}
	assert_int_equal(lost, 0);
	/* flows in between were broken: of those that are let through, under 5 % */
	assert_true((double)(most - least) / (UINT32_MAX - most) < 0.05);
}

TEST_AFTER(test_comes_back, setup)
{
	run(5, 4000000, 1000000);
	assert_true(share() > 0.7);
	run(60, 300000, 1000000);
	assert_int_equal(shed, 0);
	assert_true(queue < RING_BYTES / 8);
}

/* Load that comes as soon as it is let in: each time it is waited longer. */
TEST_AFTER(test_does_not_swing, setup)
{
	int rises = 0;

	for (int i = 0; i < 3000; i++) {
		uint32_t before = shed;

		run(0.1, share() > 0.4 ? 500000 : 2500000, 1000000);
		rises += shed > before;
	}
	assert_true(rises < 30);
}

/* The sender did not get a processor for a moment; the rings had room for that. */
TEST_AFTER(test_a_moment_without_processor, setup)
{
	double come = 0.95 * RING_BYTES;

	run(1, 300000, 1000000);
	queue += come;
	in.produced += come;
	in.now_ns += 100000000;
	run(1, 300000, 1000000);
	assert_int_equal(shed, 0);
}

TEST_AFTER(test_sender_stands_still, setup)
{
	run(1, 1000000, 1);
	assert_true(share() > 0.99);
	assert_true(shed < UINT32_MAX);
}

static void assert_rate(double want)
{
	uint64_t copies = in.copies;

	run(10, 1000000, 2000000);
	assert_true((in.copies - copies) / 10.0 < want);
	assert_true((in.copies - copies) / 10.0 > 0.8 * want);
}

TEST_AFTER(test_limit_of_packets, setup)
{
	in.max_copies = 100000;
	run(5, 1000000, 2000000);
	assert_rate(100000);
	in.max_copies = 0;
	run(60, 1000000, 2000000);
	assert_int_equal(shed, 0);
}

TEST_AFTER(test_limit_of_bits, setup)
{
	in.max_bits = 200000ULL * COPY_BYTES * 8;
	run(5, 1000000, 2000000);
	assert_rate(200000);
}

/* A sender that takes over goes on with the share there is. */
TEST_AFTER(test_takes_over, setup)
{
	limits_begin(&limits, UINT32_MAX / 2, &in);
	run(STEP_S, 2000000, 1000000);
	assert_true(share() > 0.49 && share() < 0.51);
}

TEST_MAIN(NULL, NULL)
