/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records to several legs, what arrives of them at sockets in a network namespace of the test's own. */
#include "../deliver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../common/tests/loopback.h"
#include "../../../common/tests/unit.h"
#include "../../wire/tests/wire.h"
#include "../group_limits.h"
#include "../links.h"

#define GSO_SIZE 1000
#define SEGMENTS 3
#define SHORT 100 /* snaplen of the second leg */
#define HASH 0x12345678

/*
 * Slots: VXLAN to us, and GUE to us, truncated; nobody can be reached at the next addresses; a device, and
 * GUE to us.
 */
enum { WHOLE, TRUNCATED, LOST_AND_TRUNCATED, LOST, ALL_LOST, DEVICE, GROUPS };

static struct mirror_state host;
static struct mirror_group slots[MIRROR_MAX_GROUPS];
static struct mirror_settings settings;
static __u64 sent[SENT_COUNT], sent_errors[MIRROR_ERRNOS];
static struct mirror_collector_counters counters[MIRROR_MAX_THREADS * MIRROR_COLLECTORS];
static const struct shared shared = {
	.state = &host,
	.groups = slots,
	.settings = &settings,
	.sent = sent,
	.sent_errors = sent_errors,
	.collectors = counters,
};
static struct deliverer d;
static int vxlan, gue;
static struct recipe recipe;
static uint32_t cut; /* 1: the device gets segments */

static uint32_t id(uint32_t slot)
{
	return MIRROR_MAX_GROUPS + slot;
}

static const struct mirror_collector_counters *counters_of(uint32_t slot)
{
	return &counters[slot * MIRROR_MAX_COLLECTORS];
}

static void put_group(uint32_t slot, enum mirror_format format, uint16_t port, const char *address,
		      struct mirror_group rest)
{
	struct mirror_group *g = &slots[slot];

	*g = rest;
	g->id = id(slot);
	g->collectors = 1;
	g->collector[0] =
		(struct mirror_collector){ .format = format, .family = AF_INET, .port = port, .weight = 1 };
	assert_int_equal(inet_pton(AF_INET, address, g->collector[0].addr), 1);
}

static int receiver(uint16_t port)
{
	const struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

FIXTURE(setup)
{
	recipe = (struct recipe){ .family = 4, .proto = IPPROTO_TCP, .partial = true };
	vxlan = receiver(4789);
	gue = receiver(6080);
	put_group(WHOLE, FORMAT_VXLAN, 4789, "127.0.0.1", (struct mirror_group){ .next = id(TRUNCATED) });
	put_group(TRUNCATED, FORMAT_GUE, 6080, "127.0.0.1", (struct mirror_group){ .snaplen = SHORT });
	put_group(LOST_AND_TRUNCATED, FORMAT_GUE, 6080, "192.0.2.1",
		  (struct mirror_group){ .next = id(TRUNCATED) });
	put_group(LOST, FORMAT_GUE, 6080, "192.0.2.2", (struct mirror_group){});
	put_group(ALL_LOST, FORMAT_GUE, 6080, "192.0.2.3", (struct mirror_group){ .next = id(LOST) });
	put_group(DEVICE, FORMAT_DEV, 0, "0.0.0.0",
		  (struct mirror_group){ .next = id(TRUNCATED), .segment = cut });
	slots[DEVICE].collector[0].family = 0;
	memcpy(slots[DEVICE].collector[0].device, "lo", sizeof("lo"));
	memset(sent, 0, sizeof(sent));
	memset(sent_errors, 0, sizeof(sent_errors));
	memset(counters, 0, sizeof(counters));
	d.shared = d.batch.shared = &shared;
	if (groups_open(&d.groups, &shared))
		return -1;
	groups_publish(&d.groups, &shared);
	links_refresh(&d.groups);
	links_publish(&d.groups, &shared);
	return 0;
}

FIXTURE(setup_cut)
{
	int err;

	cut = 1;
	err = setup(state);
	cut = 0;
	return err;
}

FIXTURE(teardown)
{
	close(vxlan);
	close(gue);
	for (int slot = 0; slot < GROUPS; slot++) {
		struct collector *c = &d.groups.slot[slot]->collector[0];

		for (uint32_t i = 0; i < c->queues; i++)
			close(c->queue[i].fd);
		free(d.groups.slot[slot]);
	}
	return 0;
}

static uint8_t payload[SEGMENTS * GSO_SIZE];

/*
 * A super-packet of three segments, whose checksums were left to the NIC; flags, snaplen: of its record.
 * Stays in the batch.
 */
static struct mirror_record *put_record(uint32_t slot, uint8_t flags, uint32_t snaplen)
{
	struct mirror_record *r = calloc(1, sizeof(*r) + WIRE_MAX);

	wire_fill(payload, sizeof(payload), 1);
	*r = (struct mirror_record){ .time_ns = 1,
				     .group = id(slot),
				     .hash = HASH,
				     .gso_size = GSO_SIZE,
				     .flags = flags,
				     .snaplen = snaplen };
	r->wire_len = r->cap_len = wire_build(&recipe, 0, GSO_SIZE, payload, sizeof(payload), r->data);
	deliver(&d, r, r->cap_len);
	return r;
}

static void send_batch(struct mirror_record *r)
{
	batch_send(&d.batch);
	free(r);
}

static void send_trimmed(uint32_t slot, uint8_t flags, uint32_t snaplen)
{
	send_batch(put_record(slot, flags, snaplen));
}

static void send_record(uint32_t slot)
{
	send_trimmed(slot, 0, 0);
}

/*
 * A leg gets each segment in a datagram: outer bytes of encapsulation, and the segment without its first skip
 * bytes, len in all at most.
 */
static void expect_segments(int fd, uint32_t outer, uint32_t skip, uint32_t len)
{
	struct recipe segment = recipe;
	uint8_t got[2048], expected[2048];
	uint32_t wire;

	segment.partial = segment.jumbo = false;
	for (uint32_t i = 0; i < SEGMENTS; i++) {
		wire = wire_build(&segment, i, GSO_SIZE, payload + (size_t)i * GSO_SIZE, GSO_SIZE, expected);
		wire = wire < len ? wire : len;
		assert_int_equal(recv(fd, got, sizeof(got), 0), outer + wire - skip);
		assert_memory_equal(got + outer, expected + skip, wire - skip);
	}
	assert_int_equal(recv(fd, got, sizeof(got), 0), -1);
}

/* The segments are the same, whatever the other leg does with them. */
TEST_BETWEEN(each_leg_in_its_own_way, setup, teardown)
{
	send_record(WHOLE);
	expect_segments(vxlan, 8, 0, UINT32_MAX);
	expect_segments(gue, 4, sizeof(struct ether_header), SHORT);
	assert_int_equal(sent[SENT_COPIES], 2 * SEGMENTS);
	assert_int_equal(sent[SENT_SPLIT], 2 * SEGMENTS);
	assert_int_equal(sent[SENT_TRIMMED], SEGMENTS);
	assert_int_equal(counters_of(WHOLE)->copies, SEGMENTS);
	assert_int_equal(counters_of(TRUNCATED)->copies, SEGMENTS);
	assert_int_equal(counters_of(TRUNCATED)->bytes, SEGMENTS * (SHORT - sizeof(struct ether_header)));
}

/* As the data path knows headers: with the jumbo option, which segments do not have. */
TEST_BETWEEN(headers_of_big_tcp, setup, teardown)
{
	const uint32_t headers = 14 + 40 + 20, jumbo = 8;

	recipe.family = 6;
	recipe.jumbo = true;
	send_trimmed(LOST_AND_TRUNCATED, RECORD_HEADERS, headers + jumbo + 7);
	expect_segments(gue, 4, sizeof(struct ether_header), headers + 7);
	send_trimmed(LOST_AND_TRUNCATED, RECORD_HEADERS | RECORD_FIND_HEADERS, RECORD_HEAD_SIZE + 7);
	expect_segments(gue, 4, sizeof(struct ether_header), headers + 7);
	send_trimmed(LOST_AND_TRUNCATED, RECORD_HEADERS | RECORD_ZERO, headers + jumbo);
	memset(payload, 0, sizeof(payload)); /* as the segments are sent */
	expect_segments(gue, 4, sizeof(struct ether_header), SHORT);
}

/* More legs' copies than a batch takes: it is sent in between. */
TEST_BETWEEN(batches_that_are_full, setup, teardown)
{
	uint64_t copies = 0;

	for (; copies < 2 * BATCH_COPIES; copies += SEGMENTS)
		send_record(WHOLE);
	assert_int_equal(counters_of(WHOLE)->copies, copies);
	assert_int_equal(counters_of(TRUNCATED)->copies, copies);
}

TEST_BETWEEN(a_leg_that_is_down, setup, teardown)
{
	assert_int_equal(counters_of(LOST_AND_TRUNCATED)->down, 1);
	assert_int_equal(counters_of(TRUNCATED)->down, 0);
	assert_int_equal(host.stopped[LOST_AND_TRUNCATED], 0);
	send_record(LOST_AND_TRUNCATED);
	expect_segments(gue, 4, sizeof(struct ether_header), SHORT);
	assert_int_equal(counters_of(LOST_AND_TRUNCATED)->refused, SEGMENTS);
	assert_int_equal(sent_errors[ENETUNREACH], SEGMENTS);
	assert_int_equal(counters_of(TRUNCATED)->copies, SEGMENTS);
}

TEST_BETWEEN(all_legs_down, setup, teardown)
{
	assert_int_equal(host.stopped[LOST], 1);
	assert_int_equal(host.stopped[ALL_LOST], 1);
}

/* A loop, made by whoever writes to the map, ends. */
TEST_BETWEEN(as_many_legs_as_there_may_be, setup, teardown)
{
	d.groups.slot[WHOLE]->next = d.groups.slot[WHOLE];
	send_record(WHOLE);
	assert_int_equal(counters_of(WHOLE)->copies, MIRROR_MAX_LEGS * SEGMENTS);
}

/* A flow that one leg's path has no room for is copied for the other. */
TEST_BETWEEN(shed_for_one_leg, setup, teardown)
{
	static struct group_limits limits;

	counters[WHOLE * MIRROR_MAX_COLLECTORS].shed = HASH + 1;
	group_limits_step(&limits, &shared, 1);
	assert_int_equal(host.group_shed[WHOLE], 0);
	send_record(WHOLE);
	assert_int_equal(counters_of(WHOLE)->shed_copies, SEGMENTS);
	assert_int_equal(counters_of(TRUNCATED)->copies, SEGMENTS);

	counters[TRUNCATED * MIRROR_MAX_COLLECTORS].shed = HASH;
	group_limits_step(&limits, &shared, 1);
	assert_int_equal(host.group_shed[WHOLE], HASH);
	assert_int_equal(host.group_shed[TRUNCATED], HASH);
}

/* A socket that sees what leaves the device, with what the kernel knows of it. */
static int device_receiver(void)
{
	struct sockaddr_ll name = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), one = 1;

	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

/* The next frame of our flow that left; the GUE copies are on the device, too. Returns its size. */
static ssize_t receive_frame(int fd, struct virtio_net_hdr *header, uint8_t *frame, size_t size)
{
	struct iovec parts[] = { { header, sizeof(*header) }, { frame, size } };
	struct sockaddr_ll from;
	struct msghdr message = { .msg_name = &from, .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t len;

	do {
		message.msg_namelen = sizeof(from);
		len = recvmsg(fd, &message, 0);
	} while (len >= 0 && (from.sll_pkttype != PACKET_OUTGOING || frame[23] != IPPROTO_TCP));
	return len < 0 ? len : len - (ssize_t)sizeof(*header);
}

static void expect_whole(int fd)
{
	static uint8_t frame[WIRE_MAX], expected[WIRE_MAX];
	struct virtio_net_hdr header;
	ssize_t wire = wire_build(&recipe, 0, GSO_SIZE, payload, sizeof(payload), expected);

	assert_int_equal(receive_frame(fd, &header, frame, sizeof(frame)), wire);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(header.gso_size, GSO_SIZE);
	assert_memory_equal(frame, expected, wire);
	assert_int_equal(receive_frame(fd, &header, frame, sizeof(frame)), -1);
}

static void expect_cut(int fd)
{
	static uint8_t frame[WIRE_MAX];
	struct virtio_net_hdr header;

	for (int i = 0; i < SEGMENTS; i++) {
		assert_int_equal(receive_frame(fd, &header, frame, sizeof(frame)), GSO_SIZE + 54);
		assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	}
	assert_int_equal(receive_frame(fd, &header, frame, sizeof(frame)), -1);
}

/* A device gets the super-packet whole, the other leg its segments; both count those. */
TEST_BETWEEN(whole_out_of_a_device, setup, teardown)
{
	int fd = device_receiver();

	send_record(DEVICE);
	expect_whole(fd);
	expect_segments(gue, 4, sizeof(struct ether_header), SHORT);
	assert_int_equal(sent[SENT_WHOLE], 1);
	assert_int_equal(sent[SENT_SPLIT], SEGMENTS);
	assert_int_equal(sent[SENT_COPIES], 2 * SEGMENTS);
	assert_int_equal(counters_of(DEVICE)->copies, SEGMENTS);
	assert_int_equal(counters_of(DEVICE)->bytes, SEGMENTS * (GSO_SIZE + 54));
	close(fd);
}

/* A device whose MTU the segments do not fit gets what fits. */
TEST_BETWEEN(segments_beyond_the_mtu, setup, teardown)
{
	d.groups.slot[DEVICE]->collector[0].room.path = GSO_SIZE;
	send_record(DEVICE);
	assert_int_equal(sent[SENT_WHOLE], 0);
	assert_int_equal(sent[SENT_OVERSIZE_TRUNCATED], SEGMENTS);
}

/* The kernel refuses the first one, as it would on a system that knows no such header: later ones are cut. */
TEST_BETWEEN(a_device_that_takes_no_whole_packets, setup, teardown)
{
	int fd = device_receiver();
	struct mirror_record *r = put_record(DEVICE, 0, 0);
	struct virtio_net_hdr *header = d.batch.copy[0].part[0].iov_base;

	header->gso_type = 0x7f;
	send_batch(r);
	assert_int_equal(sent_errors[EINVAL], SEGMENTS);
	send_record(DEVICE);
	expect_cut(fd);
	assert_int_equal(sent[SENT_REFUSED], SEGMENTS);
	close(fd);
}

/* Segments for whoever wants them. */
TEST_BETWEEN(cut_out_of_a_device, setup_cut, teardown)
{
	int fd = device_receiver();

	send_record(DEVICE);
	expect_cut(fd);
	assert_int_equal(sent[SENT_WHOLE], 0);
	assert_int_equal(counters_of(DEVICE)->copies, SEGMENTS);
	close(fd);
}

TEST_MAIN(loopback, NULL)
