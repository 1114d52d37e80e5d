/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Batches: how copies become messages, and what arrives of them at a socket in a network namespace of the
 * test's own.
 */
#include "../batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../common/tests/loopback.h"
#include "../../../common/tests/unit.h"
#include "../../abi/flow_hash.h"

#define PORT 6080

static struct mirror_group group;
static struct mirror_collector_counters counters;
static __u64 sent[SENT_COUNT], sent_errors[MIRROR_ERRNOS];
static const struct shared shared = { .sent = sent, .sent_errors = sent_errors };
static struct collector collector;
static struct batch batch;
static int receiver;

FIXTURE(setup)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int buffer = 8 << 20;

	receiver = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(receiver, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)), 0);

	group = (struct mirror_group){ .id = 256, .collectors = 1 };
	group.collector[0] = (struct mirror_collector){
		.format = FORMAT_GUE, .family = AF_INET, .port = PORT, .addr = { 127, 0, 0, 1 }
	};
	counters = (struct mirror_collector_counters){ .group = 256 };
	memset(sent, 0, sizeof(sent));
	memset(sent_errors, 0, sizeof(sent_errors));
	batch.shared = &shared;
	collector_open(&collector, &group, &group.collector[0], &counters);
	return collector.unopened;
}

FIXTURE(teardown)
{
	close(receiver);
	for (uint32_t i = 0; i < collector.queues; i++)
		close(collector.queue[i].fd);
	return 0;
}

static uint8_t payload[65536];

/* A copy with a header of 40 bytes that starts with its number. */
static void add(struct tx_queue *queue, uint32_t size, uint32_t number)
{
	uint8_t *header = batch_headers(&batch, 0);

	memset(header, number, 40);
	memcpy(header, &number, sizeof(number));
	batch_add(&batch, queue, NULL, 40, payload, size - 40, size - 8);
}

/* Adds copies of these sizes, and checks how many of them each message has. */
static void plan(const uint32_t *sizes, size_t n, const uint32_t *want, size_t messages)
{
	struct tx_queue *queue = &collector.queue[0];

	for (size_t i = 0; i < n; i++)
		add(queue, sizes[i], i);
	assert_int_equal(batch_plan(&batch, queue, queue->first), messages);
	for (size_t i = 0; i < messages; i++) {
		struct cmsghdr *control = CMSG_FIRSTHDR(&batch.message[i].msg_hdr);

		assert_int_equal(batch.copies[i], want[i]);
		assert_int_equal(control != NULL, want[i] > 1);
		if (control)
			assert_int_equal(control->cmsg_type, UDP_SEGMENT);
	}
	batch_send(&batch);
}

#define PLAN(sizes, want) plan(sizes, sizeof(sizes) / sizeof(*(sizes)), want, sizeof(want) / sizeof(*(want)))

TEST_BETWEEN(test_runs, setup, teardown)
{
	PLAN(((uint32_t[]){ 100 }), ((uint32_t[]){ 1 }));
	PLAN(((uint32_t[]){ 100, 100, 100 }), ((uint32_t[]){ 3 }));
	/* the last one may be shorter, and ends the run */
	PLAN(((uint32_t[]){ 100, 100, 60, 60, 100 }), ((uint32_t[]){ 3, 1, 1 }));
	PLAN(((uint32_t[]){ 60, 100, 100 }), ((uint32_t[]){ 1, 2 }));
}

TEST_BETWEEN(test_limits_of_a_datagram, setup, teardown)
{
	uint32_t sizes[130];

	for (int i = 0; i < 130; i++)
		sizes[i] = 100;
	PLAN(sizes, ((uint32_t[]){ 64, 64, 2 }));
	for (int i = 0; i < 130; i++)
		sizes[i] = 1500;
	PLAN(sizes, ((uint32_t[]){ 43, 43, 43, 1 }));
}

TEST_BETWEEN(test_what_has_to_be_fragmented_is_alone, setup, teardown)
{
	collector.room.path = 1000;
	PLAN(((uint32_t[]){ 1200, 1200, 800, 800 }), ((uint32_t[]){ 1, 1, 2 }));
}

/* A number below n that looks random. */
static uint32_t draw(uint32_t n)
{
	static uint64_t state;

	return hash_share(hash_mix(++state), n);
}

/* Reads all that has arrived: numbers per sender's port rise, bytes are right. Returns how many. */
static uint32_t receive(void)
{
	static uint32_t next[65536];
	static uint8_t data[65536];
	struct sockaddr_in from = { 0 };
	uint32_t n = 0, number;
	ssize_t size;

	memset(next, 0, sizeof(next));
	for (;; n++) {
		socklen_t len = sizeof(from);

		size = recvfrom(receiver, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (size < 0)
			break;
		memcpy(&number, data, sizeof(number));
		assert_true(number >= next[ntohs(from.sin_port)]);
		next[ntohs(from.sin_port)] = number + 1;
		assert_int_equal(data[39], (uint8_t)number);
		assert_memory_equal(data + 40, payload, size - 40);
	}
	return n;
}

TEST_BETWEEN(test_all_arrive_in_order, setup, teardown)
{
	uint32_t total = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = i * 13;
	for (int round = 0; round < 20; round++) {
		uint32_t n = 1 + draw(400), size = 40 + draw(1400);

		for (uint32_t i = 0; i < n; i++) {
			size = draw(4) ? size : 40 + draw(1400);
			add(&collector.queue[draw(COLLECTOR_QUEUES)], size, i);
			bytes += size - 8;
		}
		batch_send(&batch);
		assert_int_equal(receive(), n);
		total += n;
	}
	assert_int_equal(sent[SENT_COPIES], total);
	assert_int_equal(sent[SENT_BYTES], bytes);
	assert_int_equal(counters.copies, total);
	assert_int_equal(counters.bytes, bytes);
	assert_int_equal(sent[SENT_REFUSED], 0);
}

TEST_BETWEEN(test_full, setup, teardown)
{
	for (uint32_t n = 0; n < BATCH_COPIES; n++)
		add(&collector.queue[0], 50, n);
	assert_int_equal(sent[SENT_COPIES], 0);
	assert_non_null(batch_headers(&batch, 0));
	assert_int_equal(sent[SENT_COPIES], BATCH_COPIES);
}

/* The first answer comes after the first copy; the copies behind it are not given up for it. */
TEST_BETWEEN(test_nobody_listens, setup, teardown)
{
	close(receiver);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 10; i++)
			add(&collector.queue[0], i % 2 ? 100 : 200, i);
		batch_send(&batch);
	}
	assert_int_equal(sent[SENT_COPIES], 30);
	assert_int_equal(counters.unreachable, ECONNREFUSED);
}

/* A socket that the kernel refuses to send on: each copy counted once, with its error. */
TEST_BETWEEN(test_refused, setup, teardown)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)connect(collector.queue[0].fd, &none, sizeof(none));
	for (uint32_t i = 0; i < 10; i++)
		add(&collector.queue[0], i % 2 ? 100 : 200, i);
	batch_send(&batch);
	assert_int_equal(sent[SENT_COPIES], 0);
	assert_int_equal(sent[SENT_REFUSED], 10);
	assert_int_equal(sent_errors[EDESTADDRREQ], 10);
	assert_int_equal(counters.refused, 10);
}

TEST_MAIN(loopback, NULL)
