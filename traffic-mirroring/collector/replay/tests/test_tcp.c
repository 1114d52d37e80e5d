/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Streams to targets of this process: what these get, how it ends, and that every byte is counted. */
#include "../../../../common/tests/loopback.h"
#include "../../../../common/tests/unit.h"
#include "../tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../../../../common/clock.h"
#include "../../counters/tally.h"

#define MAX_AGE (30 * SECOND_NS)
#define MEGABYTE (1U << 20)

static int events, listener, connection;
static struct ends *ends;
static struct tcp_target *target;
static uint64_t now_ns, given, sent_before, unsent_before;
static char megabyte[MEGABYTE];

/* A target at a port at which nobody listens yet. */
static void begin(size_t memory)
{
	struct target_options options = { .memory = memory, .max_age_ns = MAX_AGE };

	listener = loopback_socket(&options.link.address, &options.link.address_len);
	options.link.events = events = epoll_create1(0);
	options.link.ends = ends = ends_new();
	target = tcp_new(&options);
	connection = -1;
	now_ns = 1000 * SECOND_NS;
	given = 0;
	sent_before = tally_sum(TALLY_TCP_SENT);
	unsent_before = tally_sum(TALLY_TCP_UNSENT);
}

static void end(void)
{
	tcp_free(target);
	ends_free(ends);
	close(events);
	close(listener);
	if (connection >= 0)
		close(connection);
	assert_int_equal(
		tally_sum(TALLY_TCP_SENT) - sent_before + tally_sum(TALLY_TCP_UNSENT) - unsent_before, given);
}

static void give(struct tcp_stream *s, const void *bytes, uint32_t len)
{
	given += len;
	tcp_send(s, bytes, len, 8 * MEGABYTE, now_ns);
}

/* Lets the target's side work until nothing happens any more. */
static void work(void)
{
	struct epoll_event event;

	tcp_expire(target, now_ns);
	for (int turn = 0; turn < 1000 && epoll_wait(events, &event, 1, 20) == 1; turn++)
		link_event(event.data.ptr, event.events, now_ns);
	tcp_expire(target, now_ns);
}

static void pass(uint64_t time_ns)
{
	now_ns += time_ns;
	work();
}

/* Listens, if it did not yet, and takes the connection, which may be another try. */
static void take_connection(void)
{
	assert_false(listen(listener, 8));
	pass(SECOND_NS);
	connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(connection >= 0);
}

/* What the server reads in the end: len bytes, then a FIN, a reset or nothing. */
static void expect_text(const char *text, int err)
{
	char bytes[64];
	size_t len = 0;
	ssize_t n;

	work();
	while ((n = read(connection, bytes + len, sizeof(bytes) - len)) > 0)
		len += n;
	assert_int_equal(n < 0 ? errno : 0, err);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
}

TEST(a_stream_arrives_as_it_was)
{
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	give(s, "de", 2);
	take_connection();
	expect_text("abcde", EAGAIN);
	assert_true(write(connection, megabyte, sizeof(megabyte)) > 0); /* is thrown away */
	give(s, "f", 1);
	tcp_finish(s, true, now_ns);
	expect_text("f", 0);
	assert_true(write(connection, "bye", 3) == 3); /* only that direction is closed */
	close(connection);
	connection = -1;
	work();
	assert_false(tcp_busy(target));
	end();
}

TEST(a_broken_stream_ends_with_a_reset)
{
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	tcp_finish(s, false, now_ns);
	assert_true(tcp_busy(target));
	take_connection();
	expect_text("abc", ECONNRESET);
	assert_false(tcp_busy(target));
	end();
}

/* Even where the target takes its time to read it. */
TEST(a_reset_discards_nothing_that_came_before)
{
	static char bytes[65536];
	struct tcp_stream *s;
	size_t got = 0;
	ssize_t n;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, megabyte, MEGABYTE);
	give(s, megabyte, MEGABYTE);
	take_connection();
	tcp_finish(s, false, now_ns);
	do {
		work();
		while ((n = read(connection, bytes, sizeof(bytes))) > 0)
			got += n;
	} while (n < 0 && errno == EAGAIN);
	assert_int_equal(got, 2 * MEGABYTE);
	end();
}

/* Until then, bytes of the target would be answered with a reset, which discards what it has not got. */
TEST(a_whole_stream_is_busy_until_the_target_has_all)
{
	static char bytes[65536];
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	assert_false(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)));
	s = tcp_open(target);
	give(s, megabyte, sizeof(bytes));
	take_connection();
	work();
	assert_int_equal(tally_sum(TALLY_TCP_SENT) - sent_before, sizeof(bytes));
	tcp_finish(s, true, now_ns);
	assert_true(tcp_busy(target));
	for (int i = 0; i < 1000 && tcp_busy(target); i++) {
		while (read(connection, bytes, sizeof(bytes)) > 0)
			;
		work();
	}
	assert_false(tcp_busy(target));
	end();
}

TEST(a_target_may_start_later)
{
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	for (int i = 0; i < 10; i++)
		pass(SECOND_NS);
	give(s, "de", 2);
	take_connection();
	expect_text("abcde", EAGAIN);
	end();
	assert_int_equal(tally_sum(TALLY_TCP_UNSENT) - unsent_before, 0);
}

/* As a proxy does whose server has not started. */
TEST(a_target_may_close_before_it_gets_a_byte)
{
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	assert_false(listen(listener, 8));
	give(s, "abc", 3);
	close(accept4(listener, NULL, NULL, 0));
	work();
	take_connection();
	expect_text("abc", EAGAIN);
	end();
}

/* None is sent after the time, even if the target takes it then. */
TEST(bytes_are_given_up_in_time)
{
	uint64_t unsent = tally_sum(TALLY_STREAMS_UNSENT), late = tally_sum(TALLY_STREAMS_LATE);
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	pass(MAX_AGE);
	give(s, "de", 2);
	assert_false(listen(listener, 8));
	pass(SECOND_NS);
	assert_int_equal(accept4(listener, NULL, NULL, 0), -1);
	assert_int_equal(tally_sum(TALLY_STREAMS_UNSENT) - unsent, 1);
	tcp_finish(s, true, now_ns);

	s = tcp_open(target);
	for (int i = 0; i < 8; i++)
		give(s, megabyte, MEGABYTE);
	take_connection();
	pass(MAX_AGE);
	assert_int_equal(tally_sum(TALLY_STREAMS_LATE) - late, 1);
	assert_true(tally_sum(TALLY_TCP_SENT) > sent_before);
	assert_false(tcp_busy(target));
	end();
}

TEST(memory_has_a_limit)
{
	uint64_t memory = tally_sum(TALLY_STREAMS_MEMORY);
	struct tcp_stream *s;

	begin(2 * MEGABYTE + 4096);
	s = tcp_open(target);
	give(s, megabyte, MEGABYTE);
	give(s, megabyte, MEGABYTE);
	give(s, megabyte, MEGABYTE);
	give(s, "abc", 3); /* is not sent without what came before it */
	assert_int_equal(tally_sum(TALLY_STREAMS_MEMORY) - memory, 1);
	assert_false(tcp_busy(target));
	s = tcp_open(target);
	given += MEGABYTE;
	tcp_send(s, megabyte, MEGABYTE, MEGABYTE - 1, now_ns);
	assert_int_equal(tally_sum(TALLY_STREAMS_MEMORY) - memory, 2);
	end();
	begin(64);
	assert_null(tcp_open(target));
	assert_int_equal(tally_sum(TALLY_STREAMS_MEMORY) - memory, 3);
	end();
}

TEST(a_target_that_closes_too_early_is_counted)
{
	uint64_t lost = tally_sum(TALLY_STREAMS_LOST);
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	take_connection();
	expect_text("abc", EAGAIN);
	close(connection);
	work();
	assert_int_equal(tally_sum(TALLY_STREAMS_LOST) - lost, 0); /* it got all that there was */
	give(s, "de", 2);
	give(s, "f", 1);
	work();
	assert_int_equal(tally_sum(TALLY_STREAMS_LOST) - lost, 1);
	connection = accept4(listener, NULL, NULL, 0);
	assert_int_equal(connection, -1); /* it is not continued elsewhere */
	end();
}

/* One that sends for ever gets its bytes all the same, and is left some time after the FIN. */
TEST(an_endless_target_gets_all)
{
	struct tcp_stream *s;

	begin(16 * MEGABYTE);
	s = tcp_open(target);
	give(s, "abc", 3);
	take_connection();
	for (int i = 0; i < 10; i++) {
		while (write(connection, megabyte, sizeof(megabyte)) > 0)
			;
		give(s, "d", 1);
		work();
	}
	tcp_finish(s, true, now_ns);
	expect_text("abcdddddddddd", 0);
	pass(MAX_AGE);
	while (write(connection, megabyte, sizeof(megabyte)) > 0)
		;
	assert_int_not_equal(errno, EAGAIN); /* nobody reads it any more */
	end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return unit_run(NULL, NULL);
}
