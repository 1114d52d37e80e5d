// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "targets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/netlink.h"
#include "../host/collector.h"
#include "batch.h"
#include "../wire/bytes.h"

/* Answers come within this time: that nobody answers ARP is known after three seconds. */
#define ANSWER_NS (5ULL * 1000 * 1000 * 1000)
/* For so long a collector that could not be reached is left alone; then it is tried again. */
#define LEFT_ALONE_NS (5ULL * 1000 * 1000 * 1000)
#define TAG_SIZE 4

void target_open(struct target *t, const struct mirror_group *group, const struct mirror_collector *config,
		 struct mirror_collector_counters *counters)
{
	const struct format *format = format_of(config->format);
	char text[COLLECTOR_TEXT_LEN];

	*t = (struct target){
		.group = group,
		.config = config,
		.counters = counters,
		.encap = { .format = format, .id = config->id, .l3 = format->l3, .metadata = group->metadata },
	};
	/* another port for the same flow would be another port than the one asked for */
	t->lanes = format->carrier == CARRIER_UDP && !group->local_port ? TARGET_LANES : 1;
	for (uint32_t i = 0; i < t->lanes; i++) {
		int fd = socket_open(group, config);

		if (fd < 0) {
			collector_print(config, text);
			log_error("cannot open a socket for %s: %s", text, strerror(-fd));
			while (i--)
				close(t->lane[i].fd);
			t->lanes = 0;
			t->unopened = -fd;
			return;
		}
		t->lane[i] = (struct lane){ .target = t,
					    .fd = fd,
					    .segments = format->carrier == CARRIER_UDP,
					    .first = NO_COPY,
					    .last = NO_COPY };
	}
	target_refresh(t);
}

static bool link_works(const char *name, struct link *link)
{
	return !netlink_link(name, link) && link->up && link->running;
}

static void refresh_device(struct target *t)
{
	struct link link;

	t->usable = link_works(t->config->device, &link);
	t->encap.l3 = link.l3;
	for (int v6 = 0; v6 < 2; v6++)
		t->device[v6] = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_ifindex = link.ifindex,
			/* the kernel reads it off a frame */
			.sll_protocol = link.l3 ? htons(v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP) : 0,
		};
	t->room.path = link.mtu + (link.l3 ? 0 : sizeof(struct ether_header));
	t->room.most = t->room.path;
}

static void refresh_address(struct target *t)
{
	struct address to = { .family = t->config->family }, source;
	bool v4 = to.family == AF_INET;
	uint32_t mtu, headers = (v4 ? 20 : 40) + (t->encap.format->carrier == CARRIER_UDP ? 8 : 0);
	char name[IF_NAMESIZE];
	struct route route;
	struct link link;

	memcpy(to.bytes, t->config->addr, sizeof(to.bytes));
	t->usable = !netlink_route_get(&to, 0, &route) && if_indextoname(route.ifindex, name) &&
		    link_works(name, &link) && !socket_probe(t->group, t->config, &source, &mtu);
	if (!t->usable)
		return;
	if (memcmp(&source, &t->source, sizeof(source))) {
		t->source = source;
		for (uint32_t i = 0; i < t->lanes; i++)
			if (socket_connect(t->lane[i].fd, t->config))
				t->source.family = 0;
	}
	t->room.path = mtu > headers ? mtu - headers : 0;
	/* the length field counts the header in IPv4 only */
	t->room.most = 65535 - headers + (v4 ? 0 : 40);
}

void target_refresh(struct target *t)
{
	if (t->encap.format->carrier == CARRIER_DEVICE)
		refresh_device(t);
	else
		refresh_address(t);
}

bool target_read_errors(struct lane *lane, uint64_t now)
{
	struct target *t = lane->target;
	struct socket_errors errors;
	char text[COLLECTOR_TEXT_LEN];

	socket_read_errors(lane->fd, &errors);
	if (errors.mtu)
		target_refresh(t);
	if (errors.unreachable) {
		if (!t->counters->unreachable) {
			collector_print(t->config, text);
			log_warn("%s: %s", text, shared_unreachable_text(errors.unreachable));
		}
		t->counters->unreachable = errors.unreachable;
		t->next_ns = now + LEFT_ALONE_NS;
		t->probed = false;
	}
	return errors.reports > 0;
}

void target_check(struct target *t, uint64_t now)
{
	struct lane *lane = &t->lane[0];

	for (uint32_t i = 0; i < t->lanes; i++)
		if (t->lane[i].used_ns && now - t->lane[i].used_ns < ANSWER_NS)
			target_read_errors(&t->lane[i], now);
	if (!t->lanes || !t->counters->unreachable || now < t->next_ns)
		return;
	if (t->probed) {
		t->counters->unreachable = 0;
		t->probed = false;
	} else if (!send(lane->fd, NULL, 0, MSG_DONTWAIT)) {
		lane->used_ns = now;
		t->next_ns = now + ANSWER_NS;
		t->probed = true;
	}
}

struct oversize_room target_room(const struct target *t, const struct split_packet *p)
{
	struct oversize_room room = t->room;

	/* a device takes one 802.1Q tag beyond its MTU */
	if (t->encap.format->carrier == CARRIER_DEVICE && !t->encap.l3 &&
	    (t->encap.format->tags || (p->ethernet && p->header_len >= sizeof(struct ether_header) &&
				       get16(p->header + 2 * ETHER_ADDR_LEN) == ETHERTYPE_VLAN))) {
		room.path += TAG_SIZE;
		room.most += TAG_SIZE;
	}
	return room;
}
