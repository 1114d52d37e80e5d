/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../replay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../../../../common/clock.h"
#include "../../../../common/tests/loopback.h"
#include "../../../../common/tests/unit.h"
#include "../../../wire/checksum.h"
#include "../../counters/tally.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct replay *replay;

/* Hands it a segment to port 80 of some server. */
static void packet(struct in_addr src, uint16_t port, uint8_t flags, uint32_t seq, const char *text)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		char text[100];
	} in = { 0 };
	const struct decap d = { .l3 = true, .len = sizeof(in.ip) + sizeof(in.tcp) + strlen(text) };
	uint8_t bytes[COPY_ROOM + sizeof(in)];
	struct copy copy;
	checksum_t sum;

	in.ip = (struct iphdr){ .version = 4,
				.ihl = 5,
				.tot_len = htons(d.len),
				.protocol = IPPROTO_TCP,
				.saddr = src.s_addr,
				.daddr = inet_addr("198.51.100.1") };
	in.tcp.th_sport = htons(port);
	in.tcp.th_dport = htons(80);
	in.tcp.th_seq = htonl(seq);
	in.tcp.th_off = 5;
	in.tcp.th_flags = flags;
	strcpy(in.text, text);
	sum = checksum_pseudo(4, (uint8_t *)&in.ip.saddr, (uint8_t *)&in.ip.daddr, IPPROTO_TCP,
			      d.len - sizeof(in.ip));
	checksum_complete((uint8_t *)&in.tcp.th_sum, true, checksum_add(sum, &in.tcp, d.len - sizeof(in.ip)));
	memcpy(bytes + COPY_ROOM, &in, sizeof(in));
	copy_make(bytes + COPY_ROOM, &d, &copy);
	replay_packet(replay, &copy);
	replay_wake(replay);
}

static const struct replay_options one_rule = {
	.rule = { { .port = 80, .targets = 1, .groups = 1 } },
	.rules = 1,
	.target = { { .host = "x" } },
	.targets = 1,
	.mark = "",
	.max_age = 10,
	.percent = 100,
	.flows = { .max = 16, .request_max = 4096, .stream = { 4096, SECOND_NS } },
	.memory = 4 << 20,
};

/* Copies of what the replay sends are not replayed, whatever their destination is now. */
TEST(own_connections_are_not_replayed)
{
	struct replay_options options = one_rule;
	struct replay_target *target = options.target;
	struct pollfd listener = { .events = POLLIN };
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);
	int fd;

	listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen(listener.fd, 8), 0); /* the kernel chooses a port */
	target->address_len = sizeof(target->address);
	assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&target->address, &target->address_len),
			 0);
	((struct sockaddr_in *)&target->address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(replay_start(&options, &replay), 0);

	packet((struct in_addr){ inet_addr("192.0.2.1") }, 1000, TH_SYN, 0, "");
	packet((struct in_addr){ inet_addr("192.0.2.1") }, 1000, TH_ACK, 1, GET);
	assert_int_equal(poll(&listener, 1, 5000), 1);
	fd = accept4(listener.fd, (struct sockaddr *)&own, &len, SOCK_CLOEXEC);
	packet(own.sin_addr, ntohs(own.sin_port), TH_SYN, 0, "");
	packet(own.sin_addr, ntohs(own.sin_port), TH_ACK, 1, GET);
	close(fd);
	replay_stop(replay, clock_ns(CLOCK_MONOTONIC) + 5 * SECOND_NS);
	assert_int_equal(tally_sum(TALLY_FLOWS), 2);
	assert_int_equal(tally_sum(TALLY_FLOWS_LOOP), 1);
	assert_int_equal(tally_sum(TALLY_REQUESTS), 1);
	replay_free(replay);
	close(listener.fd);
}

TEST(what_waits_at_the_end_is_counted)
{
	uint64_t segments = tally_sum(TALLY_SEGMENTS), flows = tally_sum(TALLY_FLOWS);

	assert_int_equal(replay_start(&one_rule, &replay), 0);
	for (uint16_t port = 1; port <= 20000; port++)
		packet((struct in_addr){ inet_addr("192.0.2.1") }, port, TH_SYN, 0, "");
	replay_stop(replay, 0);
	assert_int_equal(tally_sum(TALLY_SEGMENTS) - segments, 20000);
	assert_int_equal(tally_sum(TALLY_FLOWS) - flows + tally_sum(TALLY_SEGMENTS_OVERFLOW), 20000);
	replay_free(replay);
}

TEST_MAIN(loopback, NULL)
