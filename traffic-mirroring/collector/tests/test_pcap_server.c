/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The pcap server, with clients of a local socket: each reads whole packets in order, or loses whole ones. */
#include "../../../common/tests/unit.h"
#include "../pcap_server.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../common/clock.h"
#include "../counters/tally.h"

#define LEN 1000 /* of a packet */
#define RECORD (16 + LEN)
#define BATCH 500
#define OVERFLOW \
	(3 * PCAP_SERVER_BUFFER / RECORD / BATCH * BATCH) /* packets that fill the buffer three times */
#define FIRST_NS 1764000000123456789ULL
#define WAIT_MS 5000 /* in vain, before a test fails */

static struct sockaddr_un at = { .sun_family = AF_UNIX };
static struct pcap_server *server;
static uint32_t sent; /* packets */

static int begin(void **state)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sent = 0;
	pcap_server_close(server, 1); /* that of an earlier test */
	unlink(at.sun_path);
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/test_pcap_server-%d", getpid());
	return bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64) ||
	       pcap_server_open(listener, 900, &server) || pcap_server_start(server);
}

static int end(void **state)
{
	(void)state;
	pcap_server_close(server, 1);
	return unlink(at.sun_path);
}

static void read_all(int fd, void *to, size_t len)
{
	struct pollfd some = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (size_t done = 0; done < len; done += n) {
		assert_int_equal(poll(&some, 1, WAIT_MS), 1);
		n = read(fd, (uint8_t *)to + done, len - done);
		assert_true(n > 0);
	}
}

/* A client that has the head of its file: microseconds, version 2.4, snaplen, Ethernet. */
static int new_client(void)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, link;
	} expected = { 0xa1b2c3d4, 2, 4, 0, 0, 900, 1 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t head[sizeof(expected)];

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	read_all(fd, head, sizeof(head));
	assert_memory_equal(head, &expected, sizeof(head));
	return fd;
}

/* Sends packets that are numbered by their second and in their bytes. */
static void send_packets(uint32_t n)
{
	static uint8_t bytes[LEN];
	struct copy p = { .frame = { bytes, LEN, LEN + 40 } };

	for (; n--; sent++) {
		memset(bytes, sent, sizeof(bytes));
		p.time_ns = FIRST_NS + sent * 1000000000ULL;
		pcap_server_packet(server, &p);
	}
	pcap_server_flush(server);
}

/* Reads a packet and returns its number. */
static uint32_t read_packet(int fd)
{
	uint32_t header[4], number;
	uint8_t bytes[900], expected[900];

	read_all(fd, header, sizeof(header));
	number = header[0] - FIRST_NS / 1000000000;
	assert_int_equal(header[1], FIRST_NS % 1000000000 / 1000);
	assert_int_equal(header[2], 900);
	assert_int_equal(header[3], LEN + 40);
	read_all(fd, bytes, sizeof(bytes));
	memset(expected, number, sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	return number;
}

static void read_packets(int fd, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		assert_int_equal(read_packet(fd), i);
}

TEST_AFTER(from_the_connection_on, begin)
{
	int early = new_client(), late;

	send_packets(10);
	read_packets(early, 0, 10);
	late = new_client();
	send_packets(5);
	read_packets(early, 10, 5);
	read_packets(late, 10, 5);
	close(early);
	close(late);
}

/* Its losses are whole packets, are counted, and do not concern the other. */
TEST_AFTER(slow_client, begin)
{
	uint64_t lost = tally_sum(TALLY_UNSERVED);
	int slow = new_client(), fast = new_client();
	uint32_t next = 0, missing = 0;

	while (sent < OVERFLOW) {
		send_packets(BATCH);
		read_packets(fast, sent - BATCH, BATCH);
	}
	while (next < sent) {
		uint32_t number = read_packet(slow);

		assert_true(number >= next);
		missing += number - next;
		next = number + 1;
	}
	assert_true(missing > OVERFLOW / 2);
	assert_int_equal(tally_sum(TALLY_UNSERVED) - lost, missing);
	close(slow);
	close(fast);
}

static bool is_refused(int fd)
{
	uint8_t byte;
	struct pollfd some = { .fd = fd, .events = POLLIN };

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(poll(&some, 1, WAIT_MS), 1);
	return !read(fd, &byte, 1);
}

/* One that sends no more has to go if there are too many: it may have gone already. */
TEST_AFTER(too_many_clients, begin)
{
	int client[PCAP_SERVER_CLIENTS], one = socket(AF_UNIX, SOCK_STREAM, 0),
					 two = socket(AF_UNIX, SOCK_STREAM, 0);

	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++)
		client[i] = new_client();
	assert_true(is_refused(one));
	assert_int_equal(shutdown(client[3], SHUT_WR), 0);
	send_packets(1);
	read_packets(client[3], 0, 1);
	assert_false(is_refused(two));
	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++)
		close(client[i]);
	close(one);
	close(two);
}

TEST_AFTER(end_sends_what_is_left, begin)
{
	uint32_t n = PCAP_SERVER_BUFFER / RECORD / 2;
	int client = new_client(), status;
	pid_t reader;

	send_packets(n);
	reader = fork();
	if (!reader) {
		read_packets(client, 0, n);
		_exit(0);
	}
	pcap_server_close(server, clock_ns(CLOCK_MONOTONIC) + WAIT_MS * 1000000ULL);
	server = NULL;
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	close(client);
}

TEST_AFTER(end_waits_for_nobody, begin)
{
	int client = new_client();

	send_packets(PCAP_SERVER_BUFFER / RECORD / 2);
	pcap_server_close(server, 1);
	server = NULL;
	close(client);
}

TEST_MAIN(NULL, end)
