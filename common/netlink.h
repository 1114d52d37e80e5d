/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What both packages ask and change through rtnetlink, with libnl. Every function
 * returns 0 or a negative errno and prints nothing.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "direction.h"

struct link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "vxlan", "ipip" …, empty for a plain device */
	bool up; /* IFF_UP */
	bool running; /* IFF_RUNNING: has carrier */
	bool l3; /* L3 device: packets have no Ethernet header */
	uint32_t mtu; /* bytes */
	int master; /* the bridge, bond … that it is a port of; 0: none */
	int lower; /* a VLAN, macvlan …: the device below; veth: the other end; 0: none here, or a tunnel */
	/* where a tunnel device sends to; outer_proto 0: not a tunnel, or no fixed remote */
	struct address outer;
	uint8_t outer_proto; /* outer IP protocol: UDP for VXLAN, Geneve and fou/gue encapsulation */
	uint16_t outer_port; /* UDP destination port, host order; 0 where there is none */
};

/*
 * Tells this process's network namespace from all others until the machine is restarted; 0: it is not known.
 */
uint64_t netlink_namespace(void);

/* -ENODEV: no such device. */
int netlink_link(const char *name, struct link *link);

/*
 * Whether packets that one of two devices sends unchanged may pass through the other: they are the same, or
 * connected by ports, masters, lower devices and ends of veth, all on the way up or all on the way down.
 */
int netlink_stacked(int a, int b, bool *stacked);

struct route {
	struct address dst;
	uint8_t dst_len; /* bits */
	struct address gateway; /* family 0: on-link */
	int ifindex;
	uint8_t protocol; /* its origin: rtm_protocol */
};

/*
 * The route that the kernel would use for dst; ifindex: through this device, 0: through any. -ENETUNREACH:
 * none. route->dst is not filled in.
 */
int netlink_route_get(const struct address *dst, int ifindex, struct route *route);
/* The main table's route to exactly this host (dst/32, dst/128) through this device. -ENOENT: none. */
int netlink_host_route(const struct address *dst, int ifindex, struct route *route);
/* -EEXIST: there is one already. */
int netlink_route_add(const struct route *route);
/* -ESRCH: there is none. */
int netlink_route_del(const struct route *route);

/* State of the neighbour table's entry (NUD_… of linux/neighbour.h). -ENOENT: there is none. */
int netlink_neighbour(const struct address *address, int ifindex, uint16_t *state);
/* Looks for its link-layer address, without a packet to it. -EEXIST: there is an entry, left as it is. */
int netlink_neighbour_ask(const struct address *address, int ifindex);

struct tc_filter {
	uint32_t prog_id;
	uint32_t handle, priority;
	uint16_t protocol; /* network byte order, as the kernel keys the filter by it */
	char name[64];
};

/*
 * The cls_bpf filters of one direction of clsact, in the order they run; *n of them into a malloc'ed array.
 */
int netlink_tc_filters(int ifindex, enum direction direction, struct tc_filter **filters, size_t *n);
int netlink_tc_filter_del(int ifindex, enum direction direction, const struct tc_filter *filter);
/* Whether the device has a clsact qdisc, and whether any filter, of any kind, is attached to it. */
int netlink_clsact(int ifindex, bool *present, bool *used);
/* -EEXIST: it has one already. */
int netlink_clsact_add(int ifindex);
int netlink_clsact_del(int ifindex);
/* Direct-action cls_bpf filter. */
int netlink_tc_filter_add(int ifindex, enum direction direction, int prog_fd, const char *name);
