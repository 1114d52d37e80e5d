/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What rings take of the host's memory, and how full they are. */
#include "../../../common/tests/unit.h"
#include "../rings.h"

#include <linux/bpf.h>

#include "../../abi/host.h"

TEST(sizes)
{
	static const uint64_t memories[] = { 1 << 20, 64 << 20, 1ULL << 36 };
	uint64_t all, spill;

	for (size_t m = 0; m < sizeof(memories) / sizeof(memories[0]); m++) {
		for (unsigned int cpus = 1; cpus <= MIRROR_MAX_CPUS; cpus++) {
			bool near = rings_near_fit(memories[m], cpus);

			spill = rings_spill_size(memories[m], cpus);
			all = ((near ? sizeof(struct mirror_near) : 0) + spill) * cpus;
			assert_true(spill >
				    BPF_RINGBUF_HDR_SZ + sizeof(struct mirror_record) + RECORD_SURE_DATA);
			assert_int_equal(spill & (spill - 1), 0);
			assert_true(all <= memories[m] || (!near && spill == 128 << 10));
		}
	}
	assert_true(rings_near_fit(64 << 20, 128));
	assert_false(rings_near_fit(1 << 20, 4));
}

TEST(threads)
{
	char name[RINGS_NAME_LEN];
	unsigned int used = 0;

	/* as many as needed: at most one for four CPUs */
	assert_int_equal(rings_threads(0, 1), 1);
	assert_int_equal(rings_threads(0, 7), 1);
	assert_int_equal(rings_threads(0, 8), 2);
	assert_int_equal(rings_threads(0, 512), 4);
	assert_int_equal(rings_threads(4, 1), 4);
	assert_int_equal(rings_threads(1, 512), 1);
	assert_int_equal(rings_threads(UINT64_MAX, 1), MIRROR_MAX_THREADS); /* whoever wrote it */
	for (unsigned int ring = 0; ring < RINGS_MAX; ring++)
		used += rings_is_used(ring, 2, 3);
	assert_int_equal(used, 2 * 3 * RINGS_PER_CPU);
	assert_true(rings_is_used(RINGS_PER_CPU * ring_key(1, 2), 2, 3));
	assert_false(rings_is_used(RINGS_PER_CPU * ring_key(2, 0), 2, 3));
	rings_name(RINGS_PER_CPU * ring_key(1, 2) + 1, name);
	assert_string_equal(name, "spill_514");
}

/* A CPU without a primary ring has its overflow ring alone. */
TEST(fill_of_the_fullest_cpu)
{
	static const struct mirror_near near;
	uint64_t produced[] = { 100, 300, 500 };
	struct ring rings[] = {
		{ .near = &near, .producer = &produced[0], .size = 1000 },
		{ .producer = &produced[1], .size = 3000 },
		{ .producer = &produced[2], .size = 1000, .position = 300 },
	};

	assert_int_equal(rings_cpus(rings, 3), 2);
	assert_true(rings_fill(rings, 2) == 0.1);
	assert_true(rings_fill(rings, 3) == 0.2);
}

TEST_MAIN(NULL, NULL)
