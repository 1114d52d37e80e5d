// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Request latency at a fixed rate. Requests go out when they are due, whatever has become of those before,
 * and a latency counts from when its request was due: a stall is felt by every request that falls into it.
 *
 *   latency serve ADDRESS PORT
 *   latency ask ADDRESS PORT RATE SECONDS     prints p50, p99 and p99.9 in µs, and unanswered requests
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

#define CONNECTIONS 16
#define REQUEST 128
#define ANSWER 1024
#define PATIENCE_NS UINT64_C(5000000000) /* after the last request */

struct connection {
	int fd;
	size_t received; /* of the answer or request that has not come in whole */
	uint64_t *due; /* of all requests of the connection, in order */
	size_t asked, answered;
};

static struct sockaddr_in address_of(char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(strtoul(argv[1], NULL, 10)) };

	if (inet_pton(AF_INET, argv[0], &address.sin_addr) != 1) {
		fprintf(stderr, "\"%s\" is no IPv4 address\n", argv[0]);
		exit(1);
	}
	return address;
}

static void watch(int epoll, struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event))
		die("connection");
}

static void send_all(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		die("send");
}

/* Whole messages that have come in; -1: the other end has closed. */
static int receive(struct connection *c, size_t message)
{
	static char buffer[1 << 16];
	ssize_t n = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	int whole;

	if (n < 0 && errno != EAGAIN)
		die("recv");
	if (n <= 0)
		return n;
	whole = (c->received + n) / message;
	c->received = (c->received + n) % message;
	return whole;
}

static _Noreturn void serve(char **argv)
{
	static const char answer[ANSWER];
	struct sockaddr_in address = address_of(argv);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct connection listening = { .fd = listener };
	struct epoll_event event;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, CONNECTIONS))
		die("listen");
	watch(epoll, &listening);
	while (epoll_wait(epoll, &event, 1, -1) == 1) {
		struct connection *c = event.data.ptr;

		if (c == &listening) {
			c = calloc(1, sizeof(*c));
			if (!c)
				die("memory");
			c->fd = accept(listener, NULL, NULL);
			watch(epoll, c);
			continue;
		}
		for (int n = receive(c, REQUEST); n; n--) {
			if (n < 0) {
				close(c->fd);
				free(c);
				break;
			}
			send_all(c->fd, answer, sizeof(answer));
		}
	}
	die("epoll");
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double microseconds(const uint64_t *sorted, size_t n, size_t permille)
{
	uint64_t ns = sorted[n * permille / 1000];

	return ns / 1e3;
}

static void answers(struct connection *c, uint64_t *latency, size_t *n)
{
	uint64_t now;
	int whole = receive(c, ANSWER);

	for (now = nanoseconds(CLOCK_MONOTONIC); whole > 0; whole--)
		latency[(*n)++] = now - c->due[c->answered++];
}

static void ask(char **argv)
{
	static const char request[REQUEST];
	struct sockaddr_in address = address_of(argv);
	uint64_t rate = strtoull(argv[2], NULL, 10), gap, due, end, *latency;
	size_t total = rate * strtoull(argv[3], NULL, 10), asked = 0, answered = 0;
	struct connection connection[CONNECTIONS] = { 0 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event[CONNECTIONS];

	if (!total) {
		fprintf(stderr, "RATE and SECONDS are numbers\n");
		exit(1);
	}
	latency = calloc(total, sizeof(*latency));
	for (int i = 0; i < CONNECTIONS; i++) {
		connection[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		connection[i].due = calloc(total / CONNECTIONS + 1, sizeof(uint64_t));
		if (!latency || !connection[i].due ||
		    connect(connection[i].fd, (struct sockaddr *)&address, sizeof(address)))
			die("connect");
		watch(epoll, &connection[i]);
	}
	gap = UINT64_C(1000000000) / rate;
	due = nanoseconds(CLOCK_MONOTONIC) + gap;
	end = due + total * gap + PATIENCE_NS;
	while (answered < total) {
		uint64_t now = nanoseconds(CLOCK_MONOTONIC), next = asked < total ? due : end;
		uint64_t wait = next > now ? next - now : 0;
		struct timespec pause = { .tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000 };
		int n;

		if (now > end)
			break;
		if (asked < total && now >= due) {
			struct connection *c = &connection[asked++ % CONNECTIONS];

			c->due[c->asked++] = due;
			due += gap;
			send_all(c->fd, request, sizeof(request));
			pause = (struct timespec){ 0 };
		}
		n = epoll_pwait2(epoll, event, CONNECTIONS, &pause, NULL);
		if (n < 0)
			die("epoll_pwait2");
		for (int i = 0; i < n; i++)
			answers(event[i].data.ptr, latency, &answered);
	}
	if (!answered) {
		fprintf(stderr, "no answer\n");
		exit(1);
	}
	qsort(latency, answered, sizeof(*latency), by_value);
	printf("%.1f %.1f %.1f %zu\n", microseconds(latency, answered, 500),
	       microseconds(latency, answered, 990), microseconds(latency, answered, 999), total - answered);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		serve(argv + 2);
	if (argc != 6 || strcmp(argv[1], "ask")) {
		fprintf(stderr,
			"usage: latency serve ADDRESS PORT | latency ask ADDRESS PORT RATE SECONDS\n");
		return 1;
	}
	ask(argv + 2);
	return 0;
}
