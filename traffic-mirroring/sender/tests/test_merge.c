/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Rings in plain memory: what they hold, and what is still being written, is set by hand. */
#include "../../../common/tests/unit.h"
#include "../merge.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../abi/flow_hash.h"

#define RINGS 3
#define SIZE 4096
#define SLOT (BPF_RINGBUF_HDR_SZ + sizeof(struct mirror_record))

static uint8_t *memory[RINGS]; /* each mapped twice in a row, as the kernel does */
static uint64_t consumer[RINGS], producer[RINGS];
static struct ring rings[RINGS];

FIXTURE(map_rings)
{
	for (int i = 0; i < RINGS; i++) {
		int fd = memfd_create("ring", 0);

		memory[i] = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_int_equal(ftruncate(fd, SIZE), 0);
		for (int half = 0; half < 2; half++)
			assert_ptr_equal(mmap(memory[i] + half * SIZE, SIZE, PROT_READ | PROT_WRITE,
					      MAP_SHARED | MAP_FIXED, fd, 0),
					 memory[i] + half * SIZE);
		close(fd);
	}
	return 0;
}

FIXTURE(setup)
{
	for (int i = 0; i < RINGS; i++) {
		consumer[i] = producer[i] = 0;
		rings[i] = (struct ring){
			.consumer = &consumer[i], .producer = &producer[i], .data = memory[i], .size = SIZE
		};
	}
	return 0;
}

/* Returns the record's header, of which the flags are part. */
static uint32_t *reserve(int ring, uint64_t time, uint32_t flags)
{
	uint32_t *header = (uint32_t *)(memory[ring] + producer[ring] % SIZE);
	struct mirror_record *record = (struct mirror_record *)(header + 2);

	*record = (struct mirror_record){ .time_ns = time };
	*header = sizeof(*record) | flags;
	producer[ring] += SLOT;
	return header;
}

static void put(int ring, uint64_t time)
{
	reserve(ring, time, 0);
}

/* The times of all records that may be taken at a time, in the order they come. */
static size_t take(uint64_t now, uint64_t *times)
{
	const struct mirror_record *r;
	struct ring *ring;
	uint64_t until;
	size_t n = 0;

	while ((ring = merge_next(rings, RINGS, now, &until)))
		while ((r = ring_peek(ring, now)) && r->time_ns <= until) {
			times[n++] = r->time_ns;
			ring_take(ring);
		}
	return n;
}

static void assert_times(uint64_t now, size_t n, const uint64_t *want)
{
	uint64_t times[64];

	assert_int_equal(take(now, times), n);
	if (n)
		assert_memory_equal(times, want, n * sizeof(*want));
}

TEST_AFTER(test_order_of_time, setup)
{
	put(0, 10);
	put(0, 40);
	put(1, 20);
	put(2, 30);
	put(2, 50);
	assert_times(1000000, 5, (uint64_t[]){ 10, 20, 30, 40, 50 });
	assert_null(merge_next(rings, RINGS, 1000000, &(uint64_t){ 0 }));
}

/* A ring without a record may get one that is older than what the others have. */
TEST_AFTER(test_young_records_wait_for_empty_rings, setup)
{
	put(0, 1000000);
	assert_times(1000000 + MERGE_SKEW_NS - 1, 0, NULL);
	put(1, 999999);
	assert_times(1000000 + MERGE_SKEW_NS, 2, (uint64_t[]){ 999999, 1000000 });
}

TEST_AFTER(test_no_wait_where_all_rings_are_newer, setup)
{
	put(0, 1000000);
	put(1, 1000001);
	put(2, 1000002);
	assert_times(1000000, 1, (uint64_t[]){ 1000000 });
}

TEST_AFTER(test_done_up_to_what_may_still_come, setup)
{
	put(0, 1000000);
	assert_int_equal(merge_done(rings, RINGS, 900000), 900000 - MERGE_SKEW_NS);
	assert_times(1000000 + MERGE_SKEW_NS, 1, (uint64_t[]){ 1000000 });
	assert_int_equal(merge_done(rings, RINGS, 2000000), 2000000 - MERGE_SKEW_NS);
	for (int i = 0; i < RINGS; i++)
		put(i, 3000000 + i);
	assert_int_equal(merge_done(rings, RINGS, 4000000), 3000000);
}

/* What is being written is as old as when its place was not yet taken, however long that takes. */
TEST_AFTER(test_unfinished_records, setup)
{
	uint32_t *header;

	assert_times(500000, 0, NULL);
	header = reserve(0, 550000, BPF_RINGBUF_BUSY_BIT);
	put(1, 400000);
	put(1, 600000);
	assert_times(9000000, 1, (uint64_t[]){ 400000 });
	*header &= ~BPF_RINGBUF_BUSY_BIT;
	assert_times(9000000, 2, (uint64_t[]){ 550000, 600000 });
}

TEST_AFTER(test_discarded_records, setup)
{
	reserve(0, 5, BPF_RINGBUF_DISCARD_BIT);
	put(0, 7);
	put(1, 6);
	assert_times(1000000, 2, (uint64_t[]){ 6, 7 });
}

/* A number below n that looks random. */
static uint32_t draw(uint32_t n)
{
	static uint64_t state;

	return hash_share(hash_mix(++state), n);
}

/*
 * Producers on three CPUs that reserve, take the time and finish at random moments, clocks apart by what is
 * allowed for, and a consumer that looks at random moments.
 */
TEST_AFTER(test_random_interleavings, setup)
{
	uint64_t now = 1000000, last = 0, times[64];
	uint64_t started[RINGS] = { 0 }, clock[RINGS] = { 0, MERGE_SKEW_NS / 2, MERGE_SKEW_NS };
	size_t written = 0, taken = 0;
	uint32_t *header[RINGS];

	while (taken < 20000) {
		int ring = draw(RINGS + 1);

		now += draw(5000);
		if (ring == RINGS) {
			size_t n = take(now, times);

			for (size_t i = 0; i < n; i++) {
				assert_true(times[i] >= last);
				last = times[i];
			}
			taken += n;
			for (int i = 0; i < RINGS; i++)
				ring_release(&rings[i]);
		} else if (started[ring]) {
			*header[ring] &= ~BPF_RINGBUF_BUSY_BIT;
			started[ring] = 0;
			written++;
		} else if (producer[ring] + SLOT <= consumer[ring] + SIZE) {
			started[ring] = now - clock[ring];
			header[ring] = reserve(ring, started[ring], BPF_RINGBUF_BUSY_BIT);
		}
	}
	assert_true(written - taken < RINGS * SIZE / SLOT);
}

TEST_MAIN(map_rings, NULL)
