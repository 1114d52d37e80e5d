/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "loopback.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int loopback(void **state)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, err;

	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	err = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return err;
}

int loopback_socket(struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*len = sizeof(*in);
	assert_false(bind(fd, (struct sockaddr *)in, sizeof(*in)));
	assert_false(getsockname(fd, (struct sockaddr *)in, len));
	return fd;
}
