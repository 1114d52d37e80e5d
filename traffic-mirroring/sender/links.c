// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "links.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/log.h"

int links_watch(void)
{
	const struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), err;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name))) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

bool links_changed(int fd)
{
	bool changed = false;
	char message;

	/* the contents do not matter, nor whether messages were lost (ENOBUFS) */
	while (recv(fd, &message, sizeof(message), 0) >= 0 || errno == ENOBUFS)
		changed = true;
	return changed;
}

static void refresh(struct group *g)
{
	g->down = g->config.collectors;
	for (int i = 0; i < g->config.collectors; i++) {
		collector_refresh(&g->collector[i]);
		g->down &= !g->collector[i].usable;
	}
}

/* Of a group and those that get the same copies. */
static bool all_down(const struct group *g)
{
	for (int leg = 0; g && leg < MIRROR_MAX_LEGS; leg++, g = g->next)
		if (!g->down)
			return false;
	return true;
}

void links_refresh(const struct groups *groups)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++)
		if (groups->slot[slot])
			refresh(groups->slot[slot]);
}

void links_publish(const struct groups *groups, const struct shared *shared)
{
	for (unsigned int slot = 0; slot < MIRROR_MAX_GROUPS; slot++) {
		struct group *g = groups->slot[slot];
		uint8_t stopped = g && all_down(g);

		if (stopped && !shared->state->stopped[slot])
			log_warn("group %u: no route to its collectors; copies stop until there is one",
				 g->config.id);
		else if (!stopped && shared->state->stopped[slot])
			log_warn("group %u: copies are sent again", g ? g->config.id : 0);
		/* groups added after this sender started are left to the next one */
		if (g && shared->groups[slot].id == g->config.id)
			__atomic_store_n(&shared->state->stopped[slot], stopped, __ATOMIC_RELAXED);
	}
}
