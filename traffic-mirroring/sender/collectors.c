// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "collectors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/netlink.h"
#include "../host/collector.h"
#include "batch.h"
#include "../wire/bytes.h"
#include "whole.h"

/* Errors arrive within this time: unanswered ARP is reported after three seconds. */
#define ANSWER_NS (5ULL * 1000 * 1000 * 1000)
/* An unreachable collector is probed again after this time. */
#define LEFT_ALONE_NS (5ULL * 1000 * 1000 * 1000)
#define LOOK_NS 1000000ULL
/* The longest time to wait for one collector, and the part that is forgotten from one check to the next. */
#define WAIT_NS 100000000ULL
#define WAIT_FORGOTTEN (1.0 / 16)
/* The path to a collector is full if it does not take this share of what is offered. */
#define FULL 0.01
#define TAG_SIZE 4
/* States in which the kernel waits for an answer: without an address to send to, or with the old one. */
#define UNRESOLVED (NUD_INCOMPLETE | NUD_FAILED)
#define ASKING (UNRESOLVED | NUD_PROBE)

void collector_open(struct collector *c, const struct mirror_group *group,
		    const struct mirror_collector *config, struct mirror_collector_counters *counters)
{
	const struct format *format = format_of(config->format);
	bool whole = format->carrier == CARRIER_DEVICE && !group->segment;
	char text[COLLECTOR_TEXT_LEN];

	*c = (struct collector){
		.group = group,
		.config = config,
		.counters = counters,
		.encap = { .format = format, .id = config->id, .l3 = format->l3, .metadata = group->metadata },
		.whole = whole,
		.whole_udp = whole && whole_takes_udp(),
	};
	/* with --tunnel-local-port there is only one source port, hence one queue */
	c->queues = format->carrier == CARRIER_UDP && !group->local_port ? COLLECTOR_QUEUES : 1;
	for (uint32_t i = 0; i < c->queues; i++) {
		int fd = socket_open(group, config);

		if (fd < 0) {
			collector_print(config, text);
			log_error("cannot open a socket for %s: %s", text,
				  format->carrier == CARRIER_UDP ? error_text(fd) :
								   error_text_without(fd, CAP_NET_RAW));
			while (i--)
				close(c->queue[i].fd);
			c->queues = 0;
			c->unopened = -fd;
			return;
		}
		c->queue[i] = (struct tx_queue){ .collector = c,
						 .fd = fd,
						 .prefix = whole ? WHOLE_HEADER : 0,
						 .segments = format->carrier == CARRIER_UDP,
						 .first = NO_COPY,
						 .last = NO_COPY };
	}
	collector_refresh(c);
}

static void set_unreachable(struct collector *c, int error)
{
	char text[COLLECTOR_TEXT_LEN];

	if (!c->counters->unreachable) {
		collector_print(c->config, text);
		log_warn("%s: %s", text, shared_unreachable_text(error));
	}
	__atomic_store_n(&c->counters->unreachable, error, __ATOMIC_RELAXED);
}

static void answers(struct collector *c)
{
	if (c->silent)
		__atomic_store_n(&c->counters->unreachable, 0, __ATOMIC_RELAXED);
	c->silent = c->asked = false;
}

static bool link_works(const char *name, struct link *link)
{
	return !netlink_link(name, link) && link->up && link->running;
}

static void refresh_device(struct collector *c)
{
	struct link link;

	c->usable = link_works(c->config->device, &link);
	c->encap.l3 = link.l3;
	for (int v6 = 0; v6 < 2; v6++)
		c->device[v6] = (struct sockaddr_ll){
			.sll_family = AF_PACKET,
			.sll_ifindex = link.ifindex,
			/* ALL: the kernel reads it from the frame. 0: it guesses, for a virtio_net_hdr */
			.sll_protocol = htons(link.l3 ? (v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP) : ETH_P_ALL),
		};
	c->room.path = link.mtu + (link.l3 ? 0 : sizeof(struct ether_header));
	c->room.most = c->room.path;
}

static void set_hop(struct collector *c, const struct address *hop, int ifindex)
{
	if (ifindex == c->hop_ifindex && !memcmp(hop, &c->hop, sizeof(*hop)))
		return;
	c->hop = *hop;
	c->hop_ifindex = ifindex;
	c->looked_ns = 0;
	answers(c);
}

static void refresh_address(struct collector *c)
{
	struct address to = { .family = c->config->family }, source;
	bool v4 = to.family == AF_INET;
	uint32_t mtu, headers = (v4 ? 20 : 40) + (c->encap.format->carrier == CARRIER_UDP ? 8 : 0);
	char name[IF_NAMESIZE];
	struct route route;
	struct link link;

	memcpy(to.bytes, c->config->addr, sizeof(to.bytes));
	c->usable = !netlink_route_get(&to, 0, &route) && if_indextoname(route.ifindex, name) &&
		    link_works(name, &link) && !socket_probe(c->group, c->config, &source, &mtu);
	if (!c->usable)
		return;
	set_hop(c, route.gateway.family ? &route.gateway : &to, route.ifindex);
	if (memcmp(&source, &c->source, sizeof(source))) {
		c->source = source;
		for (uint32_t i = 0; i < c->queues; i++)
			if (socket_connect(c->queue[i].fd, c->config))
				c->source.family = 0;
	}
	c->room.path = mtu > headers ? mtu - headers : 0;
	/* only in IPv4 the length field includes the header */
	c->room.most = 65535 - headers + (v4 ? 0 : 40);
}

void collector_refresh(struct collector *c)
{
	if (c->encap.format->carrier == CARRIER_DEVICE)
		refresh_device(c);
	else
		refresh_address(c);
	__atomic_store_n(&c->counters->down, !c->usable, __ATOMIC_RELAXED);
}

bool collector_read_errors(struct tx_queue *queue, uint64_t now)
{
	struct collector *c = queue->collector;
	struct socket_errors errors;

	socket_read_errors(queue->fd, &errors);
	if (errors.mtu)
		collector_refresh(c);
	if (errors.unreachable) {
		set_unreachable(c, errors.unreachable);
		c->next_ns = now + LEFT_ALONE_NS;
		c->probed = false;
	}
	return errors.reports > 0;
}

/* Without an entry: a device that needs none, or the one of a silent neighbour has been removed. */
static uint16_t hop_state(const struct collector *c)
{
	uint16_t state;

	if (!netlink_neighbour(&c->hop, c->hop_ifindex, &state))
		return state;
	return c->silent ? NUD_FAILED : NUD_NONE;
}

/* The state, at most LOOK_NS old: each copy to a silent hop asks for it. */
static uint16_t look(struct collector *c, uint64_t now)
{
	if (now - c->looked_ns >= LOOK_NS) {
		c->looked_ns = now;
		c->hop_state = hop_state(c);
		if (!(c->hop_state & ASKING))
			answers(c);
	}
	return c->hop_state;
}

bool collector_waits(struct collector *c)
{
	return c->asked && hop_state(c) & NUD_INCOMPLETE;
}

bool collector_drops(struct collector *c, uint64_t now)
{
	return c->silent && look(c, now) & UNRESOLVED;
}

static bool probe(struct collector *c, uint64_t now)
{
	if (send(c->queue[0].fd, NULL, 0, MSG_DONTWAIT))
		return false;
	c->queue[0].used_ns = now;
	return true;
}

/*
 * For an entry that is there, the kernel asks again only for a packet. And in IPv6 it asks without one only
 * from its link-local address, which it may not use in the first seconds of a link.
 */
bool collector_ask(struct collector *c)
{
	c->asked = c->hop.family && c->queues;
	if (c->asked && (c->hop.family == AF_INET6 || netlink_neighbour_ask(&c->hop, c->hop_ifindex)) &&
	    !(hop_state(c) & ~UNRESOLVED))
		probe(c, 0);
	return c->asked;
}

static void check_hop(struct collector *c, uint64_t now)
{
	uint16_t state = look(c, now);

	if (!(state & ASKING))
		return;
	if (!c->asked && !(state & NUD_FAILED)) {
		c->asked = true; /* an answer takes less time than from one check to the next */
	} else {
		c->asked = c->silent = true;
		set_unreachable(c, EHOSTUNREACH);
		if (state & NUD_FAILED)
			probe(c, now);
	}
}

bool collector_may_wait(const struct collector *c)
{
	return !c->counters->shed && c->waited_ns < WAIT_NS;
}

static void limit(struct collector *c, uint64_t now)
{
	const struct limits_input *last = &c->limits.last;
	struct limits_input in = {
		.now_ns = now,
		.produced = c->counters->bytes + c->lost,
		.consumed = c->counters->bytes,
	};
	uint64_t offered = in.produced - last->produced, taken = in.consumed - last->consumed;
	char text[COLLECTOR_TEXT_LEN];
	bool shed = c->counters->shed;

	if (!last->now_ns)
		limits_begin(&c->limits, c->counters->shed, &in);
	in.fill = offered - taken > FULL * offered;
	__atomic_store_n(&c->counters->shed, limits_step(&c->limits, &in), __ATOMIC_RELAXED);
	if (!shed && c->counters->shed) {
		collector_print(c->config, text);
		log_warn("%s: the path to it is full: flows are shed", text);
	}
}

void collector_check(struct collector *c, uint64_t now)
{
	bool used = c->asked;

	c->waited_ns -= WAIT_FORGOTTEN * c->waited_ns;
	limit(c, now);
	for (uint32_t i = 0; i < c->queues; i++) {
		if (!c->queue[i].used_ns || now - c->queue[i].used_ns >= ANSWER_NS)
			continue;
		collector_read_errors(&c->queue[i], now);
		used = true;
	}
	if (!c->queues)
		return;
	if (c->hop.family && (used || c->silent))
		check_hop(c, now);
	if (c->silent || !c->counters->unreachable || now < c->next_ns)
		return;
	if (c->probed) {
		__atomic_store_n(&c->counters->unreachable, 0, __ATOMIC_RELAXED);
		c->probed = false;
	} else if (probe(c, now)) {
		c->next_ns = now + ANSWER_NS;
		c->probed = true;
	}
}

struct oversize_room collector_room(const struct collector *c, const struct split_packet *p)
{
	struct oversize_room room = c->room;

	/* a device accepts one 802.1Q tag beyond its MTU */
	if (c->encap.format->carrier == CARRIER_DEVICE && !c->encap.l3 &&
	    (c->encap.format->tags || (p->ethernet && p->header_len >= sizeof(struct ether_header) &&
				       get16(p->header + 2 * ETHER_ADDR_LEN) == ETHERTYPE_VLAN))) {
		room.path += TAG_SIZE;
		room.most += TAG_SIZE;
	}
	return room;
}
