/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The primary ring: what the data path writes into it, and when it takes the overflow ring instead. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "group.h"
#include "host_maps.h"

#define STALE 0xee

static struct host_maps maps;
static struct mirror_near *near;
static const struct packet_spec udp = {
	.family = 4, .proto = IPPROTO_UDP, .src = "192.0.2.1", .dst = "198.51.100.1", .payload = 1500
};

static enum mirror_outcome mirror(uint32_t len)
{
	struct packet p;
	struct ref_packet packet = { .data = p.data, .len = len };

	packet_build(&udp, &p);
	for (uint32_t i = 50; i < len; i++)
		p.data[i] = i * 7;
	return group_packet(INGRESS, &packet).outcome;
}

/* The bytes between the captured ones and the next record are as they were: no part of a packet. */
static void assert_record(uint32_t len)
{
	const struct mirror_record *r = ring_peek(&maps.near, 0);
	struct packet p;

	assert_non_null(r);
	assert_int_equal(r->cap_len, len);
	assert_int_equal(r->wire_len, len);
	assert_int_equal(ring_captured(&maps.near, r), len);
	packet_build(&udp, &p);
	for (uint32_t i = 50; i < len; i++)
		p.data[i] = i * 7;
	assert_memory_equal(r->data, p.data, len);
	for (uint32_t i = len; i < near_space(len) - sizeof(*r); i++)
		assert_int_equal(r->data[i], STALE);
	ring_take(&maps.near);
	ring_release(&maps.near);
}

/* Sizes beside those of blocks and cache lines; several times around, so that records end in the slack. */
TEST(sizes)
{
	static const uint32_t sizes[] = { 60,  63,  64,	 65,  66,   127,  128,	129,  191,  192,
					  193, 256, 257, 513, 1024, 1025, 1500, 1536, 1537, 1542 };
	uint64_t start = near->head;

	assert_int_equal(host_maps_commit(&maps, INGRESS, "mirror"), 0);
	while (near->head - start < 3 * NEAR_SIZE) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			memset(near->data + near->head % NEAR_SIZE, STALE, 2048);
			assert_int_equal(mirror(sizes[i]), OUT_RING);
			assert_record(sizes[i]);
			assert_null(ring_peek(&maps.spill, 0));
		}
	}
}

TEST(snaplen)
{
	for (uint32_t snaplen = 64; snaplen <= 132; snaplen++) {
		char rules[32];

		snprintf(rules, sizeof(rules), "mirror snaplen %u", snaplen);
		assert_int_equal(host_maps_commit(&maps, INGRESS, rules), 0);
		assert_int_equal(mirror(1400), OUT_RING);
		assert_int_equal(host_maps_records(&maps), 1);
		assert_int_equal(maps.record.cap_len, snaplen);
		assert_int_equal(maps.data[snaplen - 1], (uint8_t)((snaplen - 1) * 7));
	}
}

/* Into the ring that has room, until neither has. */
TEST(full)
{
	unsigned int n = 0, spilled = 0;
	enum mirror_outcome outcome;

	assert_int_equal(host_maps_commit(&maps, INGRESS, "mirror"), 0);
	while ((outcome = mirror(1400)) == OUT_RING)
		n++;
	assert_int_equal(outcome, OUT_RING_FULL);
	assert_true(near->head - near->tail > NEAR_SIZE - near_space(1400));
	for (; ring_peek(&maps.spill, 0); spilled++)
		ring_take(&maps.spill);
	ring_release(&maps.spill);
	assert_int_equal(n - spilled, NEAR_SIZE / near_space(1400));
	/* what is taken is free only when it is released */
	ring_peek(&maps.near, 0);
	ring_take(&maps.near);
	assert_int_equal(mirror(1400), OUT_RING);
	assert_non_null(ring_peek(&maps.spill, 0));
	host_maps_records(&maps);
	assert_int_equal(mirror(1400), OUT_RING);
	assert_null(ring_peek(&maps.spill, 0));
	host_maps_records(&maps);
}

/* A program that interrupts one of the same CPU must not write where that one does. */
TEST(interrupted)
{
	uint64_t head = near->head;

	assert_int_equal(host_maps_commit(&maps, INGRESS, "mirror"), 0);
	near->busy = 1;
	assert_int_equal(mirror(300), OUT_RING);
	assert_int_equal(near->head, head);
	assert_int_equal(near->busy, 1);
	assert_null(ring_peek(&maps.near, 77));
	assert_true(maps.near.floor != 77); /* a record is on its way, and its time may be older */
	near->busy = 0;
	assert_null(ring_peek(&maps.near, 77));
	assert_int_equal(maps.near.floor, 77);
	assert_int_equal(host_maps_records(&maps), 1);
	assert_int_equal(maps.record.cap_len, 300);
	assert_int_equal(mirror(300), OUT_RING);
	assert_true(near->head > head);
	host_maps_records(&maps);
}

/* A record in the primary ring wakes the sender, through the overflow ring. */
TEST(bell)
{
	struct pollfd spill = { .fd = maps.spill.fd, .events = POLLIN };

	assert_int_equal(host_maps_commit(&maps, INGRESS, "mirror"), 0);
	assert_int_equal(mirror(300), OUT_RING);
	assert_int_equal(poll(&spill, 1, 0), 0);
	maps.state->sleeping[0] = 1;
	assert_int_equal(mirror(300), OUT_RING);
	assert_int_equal(maps.state->sleeping[0], 0);
	assert_int_equal(poll(&spill, 1, 1000), 1);
	assert_int_equal(near->head - near->tail, 2 * near_space(300));
	assert_int_equal(host_maps_records(&maps), 2);
}

/*
 * The consumer races the producer, which writes runs of equal packets of any length: whatever it sees is a
 * whole record of the run, and none is lost, doubled or out of order.
 */
#define RUNS 1000
#define MAX_RUN 64

struct run {
	uint32_t len, times;
};

static struct run run_of(uint32_t number)
{
	return (struct run){ 64 + number * 7919 % 1400, 1 + number * 31 % MAX_RUN };
}

static void *produce(void *program)
{
	struct packet p;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
	packet_build(&udp, &p);
	for (uint32_t number = 0; number < RUNS; number++) {
		struct run run = run_of(number);
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = run.len,
			    .repeat = run.times);

		for (uint32_t i = 48; i + 4 <= run.len; i += 4)
			memcpy(p.data + i, &number, 4);
		if (bpf_prog_test_run_opts(*(int *)program, &opts))
			return program;
		/* a full ring drops, which is not what this is about */
		while (__atomic_load_n(&near->head, __ATOMIC_RELAXED) -
			       __atomic_load_n(&near->tail, __ATOMIC_RELAXED) >
		       NEAR_SIZE / 2)
			sched_yield();
	}
	return NULL;
}

static void assert_of_run(const struct mirror_record *r, uint32_t number, struct run run)
{
	uint32_t word;

	assert_int_equal(r->cap_len, run.len);
	for (uint32_t i = 48; i + 4 <= run.len; i += 4) {
		memcpy(&word, r->data + i, 4);
		assert_int_equal(word, number);
	}
}

static void consume(uint32_t number, uint64_t *last)
{
	struct run run = run_of(number);
	const struct mirror_record *r;

	while (run.times) {
		r = ring_peek(&maps.near, 0);
		if (!r)
			continue;
		assert_of_run(r, number, run);
		assert_true(r->time_ns >= *last);
		*last = r->time_ns;
		run.times--;
		ring_take(&maps.near);
		if (number % 3 == 0 || !run.times)
			ring_release(&maps.near);
	}
}

TEST(race)
{
	uint64_t last = 0;
	pthread_t producer;
	void *failed;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	assert_int_equal(host_maps_commit(&maps, INGRESS, "mirror"), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, &fixture.datapath[INGRESS].select_fd), 0);
	for (uint32_t number = 0; number < RUNS; number++)
		consume(number, &last);
	assert_int_equal(pthread_join(producer, &failed), 0);
	assert_null(failed);
	assert_null(ring_peek(&maps.spill, 0));
}

static int enter(void **state)
{
	int error = group_enter(state) ?: host_maps_open(&maps, &fixture, 1024);

	near = (struct mirror_near *)maps.near.near;
	return error;
}

static int leave(void **state)
{
	host_maps_close(&maps);
	return group_leave(state);
}

TEST_MAIN(enter, leave)
