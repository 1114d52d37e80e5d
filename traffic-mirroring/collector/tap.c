/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tap.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/netlink.h"

#define MTU 65521 /* the driver's maximum */
#define FILTER "mirror-collector"

struct tap {
	atomic_uint threads; /* that have a queue */
	uint32_t queues;
	int fd[];
};

static int set_up(const char *name)
{
	struct ifreq request = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (s < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_mtu = MTU;
	if (ioctl(s, SIOCSIFMTU, &request) || ioctl(s, SIOCGIFFLAGS, &request)) {
		err = -errno;
	} else {
		request.ifr_flags |= IFF_UP | IFF_NOARP;
		if (ioctl(s, SIOCSIFFLAGS, &request))
			err = -errno;
	}
	close(s);
	return err;
}

/* Disabled IPv6 keeps the device silent. Kernels without IPv6 lack this file. */
static void no_ipv6(const char *name)
{
	char path[64 + IFNAMSIZ];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!write(fd, "1", 1);
	close(fd);
}

/*
 * The copies are another machine's packets: multicast, broadcast and packets to our addresses would reach our
 * own sockets. Packet sockets see a frame before tc does, so tc drops it.
 */
static int hide_from_stack(const char *name)
{
	const struct bpf_insn drop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = TC_ACT_SHOT },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "drop", "Dual BSD/GPL", drop, 2, NULL), err;
	struct tc_filter *filters = NULL;
	bool present = false, used, dropped = false;
	struct link link;
	size_t n = 0;

	if (prog < 0)
		return prog;
	err = netlink_link(name, &link) ?: netlink_clsact(link.ifindex, &present, &used);
	if (!err && !present)
		err = netlink_clsact_add(link.ifindex);
	if (!err)
		err = netlink_tc_filters(link.ifindex, INGRESS, &filters, &n);
	for (size_t i = 0; i < n; i++) /* left by an earlier run, if the device persists */
		dropped |= !strcmp(filters[i].name, FILTER);
	if (!err && !dropped)
		err = netlink_tc_filter_add(link.ifindex, INGRESS, prog, FILTER);
	free(filters);
	close(prog);
	return err;
}

static int open_queue(const char *name, bool more)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | (more ? IFF_MULTI_QUEUE : 0) };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (!ioctl(fd, TUNSETIFF, &request))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tap_open(const char *name, uint32_t queues, struct tap **tap)
{
	struct tap *t;
	int err = 0;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	t = calloc(1, sizeof(*t) + queues * sizeof(*t->fd));
	if (!t)
		return -ENOMEM;
	for (; t->queues < queues && !err; t->queues += !err) {
		t->fd[t->queues] = open_queue(name, queues > 1);
		err = t->fd[t->queues] < 0 ? t->fd[t->queues] : 0;
	}
	if (!err) {
		no_ipv6(name);
		err = hide_from_stack(name) ?: set_up(name);
	}
	if (err) {
		tap_close(t);
		return err;
	}
	*tap = t;
	return 0;
}

int tap_frame(struct tap *t, const uint8_t *frame, uint32_t len)
{
	static _Thread_local uint32_t mine; /* counted from 1; 0: no queue yet */

	if (!mine)
		mine = 1 + atomic_fetch_add(&t->threads, 1) % t->queues;
	return write(t->fd[mine - 1], frame, len) < 0 ? -errno : 0;
}

void tap_close(struct tap *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->queues; i++)
		close(t->fd[i]);
	free(t);
}
