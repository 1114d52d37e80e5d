// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "../receive.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../common/clock.h"
#include "../../../common/tests/loopback.h"
#include "../../../common/tests/unit.h"
#include "../counters/tally.h"

#define PORT 4789

static struct receiver *receiver;
static int stop;

static int on_datagram(void *context, const struct datagram *d)
{
	(void)context;
	(void)d;
	return 0;
}

static int on_pause(void *context, bool late)
{
	(void)context;
	(void)late;
	return 0;
}

static void *receive(void *unused)
{
	const struct receive_sink sink = { on_datagram, on_pause, NULL };

	(void)unused;
	receive_run(receiver, stop, &sink);
	return NULL;
}

/* Datagrams report the drops before them: those after the last one have to be asked for. */
TEST(drops_are_known_when_nothing_comes)
{
	struct receive_options options = { .count = 1, .buffer = 4096 };
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(PORT),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	char bytes[1000] = "";
	pthread_t thread;
	int fd;

	assert_int_equal(listen_parse("vxlan", &options.listen[0]), 0);
	assert_int_equal(receive_open(&options, true, &receiver), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 100; i++)
		sendto(fd, bytes, sizeof(bytes), 0, (const struct sockaddr *)&to, sizeof(to));
	stop = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&thread, NULL, receive, NULL), 0);
	for (int waited = 0; waited < 5000 && !tally_sum(TALLY_KERNEL_DROPS); waited += 10)
		sleep_ms(10);
	assert_true(tally_sum(TALLY_KERNEL_DROPS) > 0);
	eventfd_write(stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(tally_sum(TALLY_KERNEL_DROPS) + tally_sum(TALLY_DATAGRAMS), 100);
	receive_close(receiver);
	close(stop);
	close(fd);
}

TEST_MAIN(loopback, NULL)
