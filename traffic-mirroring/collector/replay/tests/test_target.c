/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A target at the other end of a Unix socket: when a connection is used again, and a request sent again. */
#include "../target.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../../common/tests/unit.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define MEGABYTE (1 << 20)

static int events, listener;
static struct ends *ends;
static struct target *target;
static struct target_connection *connection;

static void begin(void)
{
	struct target_options options = { .memory = 4 * MEGABYTE, .max_age_ns = UINT64_MAX };

	/* the kernel chooses an abstract address */
	options.link.address.ss_family = AF_UNIX;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&options.link.address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 8), 0);
	options.link.address_len = sizeof(options.link.address);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&options.link.address, &options.link.address_len),
		0);
	options.link.events = events = epoll_create1(EPOLL_CLOEXEC);
	options.link.ends = ends = ends_new();
	target = target_new(&options);
	assert_non_null(target);
	connection = target_connect(target);
}

static void end(void)
{
	target_free(target);
	ends_free(ends);
	close(events);
	close(listener);
}

/* Whatever epoll has to say. */
static void turn(void)
{
	struct epoll_event event;

	for (int i = 0; i < 20 && epoll_wait(events, &event, 1, 0); i++)
		link_event(event.data.ptr, event.events, 0);
}

static void send_request(const char *line, enum http_method method, size_t body)
{
	static uint8_t bytes[MEGABYTE + 100];
	const struct rewrite as_it_is = { 0 };
	struct http_request request = { .bytes = bytes, .method = method, .fields = strlen(line) };

	request.len = snprintf((char *)bytes, sizeof(bytes), "%s\r\n", line) + body;
	target_send(connection, &request, &as_it_is, 2 * MEGABYTE, 0);
	turn();
}

/* The other end of a connection that has just been opened, whose first bytes are these. */
static int accepted(const char *begins)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char bytes[100] = "";

	assert_true(fd >= 0);
	assert_true(recv(fd, bytes, strlen(begins), MSG_WAITALL) > 0);
	assert_string_equal(bytes, begins);
	return fd;
}

static void answer(int fd)
{
	assert_int_equal(send(fd, OK, strlen(OK), 0), strlen(OK));
	turn();
}

/* The target closes a connection just when the next request comes: only some may be sent twice. */
TEST(only_harmless_requests_are_repeated)
{
	static const struct {
		const char *line;
		enum http_method method;
		bool repeated;
	} rows[] = {
		{ "GET /b HTTP/1.1\r\n", HTTP_GET, true },
		{ "PUT /b HTTP/1.1\r\n", HTTP_PUT, true },
		{ "POST /b HTTP/1.1\r\n", HTTP_OTHER, false },
		{ "PATCH /b HTTP/1.1\r\n", HTTP_OTHER, false },
	};
	int fd;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s", rows[i].line);
		begin();
		send_request("GET /a HTTP/1.1\r\n", HTTP_GET, 0);
		fd = accepted("GET /a");
		answer(fd);
		send_request(rows[i].line, rows[i].method, 0);
		close(fd);
		turn();
		if (rows[i].repeated)
			close(accepted(rows[i].line));
		else
			assert_true(accept(listener, NULL, NULL) < 0);
		end();
	}
}

/* The rest of such a request would be in the way of the next one. */
TEST(answered_before_it_was_whole)
{
	int fd;

	begin();
	send_request("PUT /a HTTP/1.1\r\n", HTTP_PUT, MEGABYTE);
	fd = accepted("PUT /a");
	answer(fd);
	send_request("GET /b HTTP/1.1\r\n", HTTP_GET, 0);
	close(accepted("GET /b"));
	close(fd);
	end();
}

TEST_MAIN(NULL, NULL)
