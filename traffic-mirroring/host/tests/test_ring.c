/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The kernel's ring buffer, filled by a BPF program. */
#include "../../../common/tests/unit.h"
#include "../ring.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bpf_object *object;
static int program;
static struct ring ring;
static uint8_t packet[1501];

FIXTURE(setup)
{
	char path[PATH_MAX + 16], self[PATH_MAX] = "";

	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = i * 7;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(path, sizeof(path), "%s/fill.bpf.o", dirname(self));
	object = bpf_object__open_file(path, NULL);
	assert_non_null(object);
	assert_int_equal(bpf_object__load(object), 0);
	program = bpf_program__fd(bpf_object__find_program_by_name(object, "fill"));
	assert_int_equal(ring_open(&ring, bpf_object__find_map_fd_by_name(object, "ring")), 0);
	return 0;
}

FIXTURE(teardown)
{
	bpf_object__close(object);
	return 0;
}

/* 0: there is a record more, 1: the ring was full. number 0: discarded. */
static int fill(uint32_t size, uint32_t number)
{
	struct __sk_buff skb = { .mark = size, .priority = number };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	assert_int_equal(bpf_prog_test_run_opts(program, &options), 0);
	return options.retval;
}

static void take(uint32_t size, uint32_t number)
{
	const struct mirror_record *r = ring_peek(&ring, 1);

	assert_non_null(r);
	assert_int_equal(r->wire_len, number);
	assert_int_equal(r->cap_len, size);
	assert_int_equal(ring_captured(&ring, r), size);
	assert_memory_equal(r->data, packet, size);
	ring_take(&ring);
}

/* Several times around, so that records lie across the end. */
TEST(test_all_records_in_order)
{
	for (uint32_t i = 1; i <= 200; i++) {
		uint32_t size = i % 3 ? 1501 : 100;

		assert_int_equal(fill(size, i), 0);
		assert_int_equal(fill(100, 0), 0);
		take(size, i);
		assert_null(ring_peek(&ring, 1));
		ring_release(&ring);
	}
	assert_true(ring.position > 10 * ring.size);
}

TEST(test_release_makes_room)
{
	uint32_t n = 0;

	while (!fill(1501, n + 1))
		n++;
	assert_true(n >= 9);
	for (uint32_t i = 0; i < n; i++)
		take(1501, i + 1);
	/* taken, but the bytes are still in use */
	assert_int_equal(fill(1501, 1), 1);
	ring_release(&ring);
	assert_int_equal(fill(1501, n + 1), 0);
	take(1501, n + 1);
	ring_release(&ring);
}

/* A sender that dies between taking and releasing. */
TEST(test_next_one_continues)
{
	struct ring next;

	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(fill(100, i), 0);
	take(100, 1);
	ring_release(&ring);
	take(100, 2);
	assert_int_equal(ring_open(&next, ring.fd), 0);
	ring = next;
	take(100, 2);
	take(100, 3);
	ring_release(&ring);
}

TEST(test_floor_rises_when_empty)
{
	assert_null(ring_peek(&ring, 77));
	assert_int_equal(ring.floor, 77);
}

TEST(test_cap_len_beyond_the_record)
{
	struct mirror_record *r;

	assert_int_equal(fill(100, 1), 0);
	r = malloc(sizeof(*r));
	*r = *ring_peek(&ring, 1);
	r->cap_len = 5000;
	assert_int_equal(ring_captured(&ring, r), 100);
	free(r);
	ring_take(&ring);
	ring_release(&ring);
}

TEST(test_not_a_ring)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "no_ring", 4, 8, 1, NULL);
	struct ring r;

	assert_true(fd >= 0);
	assert_int_equal(ring_open(&r, fd), -EINVAL);
	close(fd);
}

TEST_MAIN(setup, teardown)
