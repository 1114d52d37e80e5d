/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/log.h"

#define PATIENCE_NS 250000000ULL /* for all of a client: nothing else is served meanwhile */

/* The socket, or -errno. */
static int open_listening(int family, const struct address *address, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	memcpy(&v4.sin_addr, address->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, address->bytes, sizeof(v6.sin6_addr));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	err = family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4)) :
				  bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	if (!err && !listen(fd, 64))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int serve_listen(const struct address *address, uint16_t port)
{
	int fd = open_listening(address->family ?: AF_INET6, address, port);

	if (fd == -EAFNOSUPPORT && !address->family) /* a kernel without IPv6 */
		fd = open_listening(AF_INET, address, port);
	if (fd < 0)
		log_error("cannot listen on TCP port %u: %s", port, strerror(-fd));
	return fd;
}

/* Whether the client becomes ready for this before the end of its time. */
static bool wait_for(int fd, short events, uint64_t end_ns)
{
	struct pollfd client = { .fd = fd, .events = events };
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	return now_ns < end_ns && poll(&client, 1, (end_ns - now_ns) / 1000000 + 1) == 1;
}

/* Reads through the empty line that ends a request. */
static bool read_request(int fd, uint64_t end_ns)
{
	char bytes[4096];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(bytes) && wait_for(fd, POLLIN, end_ns)) {
		n = recv(fd, bytes + len, sizeof(bytes) - len, MSG_DONTWAIT);
		if (n <= 0)
			return false;
		len += n;
		if (memmem(bytes, len, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static bool send_all(int fd, const char *at, size_t len, uint64_t end_ns)
{
	while (len && wait_for(fd, POLLOUT, end_ns)) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0)
			return false;
		at += n;
		len -= n;
	}
	return !len;
}

void serve_metrics(int listener, const struct report *report)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
				   "Connection: close\r\n\r\n";
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char *text = NULL;
	size_t len;
	FILE *to;

	if (fd < 0)
		return;
	to = open_memstream(&text, &len);
	if (to) {
		report_metrics(report, to);
		fclose(to);
		if (read_request(fd, end_ns) && send_all(fd, head, strlen(head), end_ns))
			send_all(fd, text, len, end_ns);
		free(text);
	}
	close(fd);
}

void serve_health(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		close(fd);
}
