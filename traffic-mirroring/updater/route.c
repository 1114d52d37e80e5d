// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "../../common/log.h"
#include "instance.h"

/* rtm_protocol of the routes that are ours: `ip route` shows it, and stop removes no other. */
#define ROUTE_PROTOCOL 109

/* The routes that the options ask for; returns their number. */
static size_t wanted_routes(const struct delivery *d, struct route routes[MIRROR_MAX_COLLECTORS])
{
	struct link link;

	if (!*d->redirect_to || netlink_link(d->redirect_to, &link))
		return 0;
	for (size_t i = 0; i < d->collectors.n; i++)
		routes[i] =
			(struct route){ .dst = d->collectors.at[i].address,
					.dst_len = d->collectors.at[i].address.family == AF_INET ? 32 : 128,
					.gateway = d->gateway,
					.protocol = ROUTE_PROTOCOL,
					.ifindex = link.ifindex };
	return d->collectors.n;
}

/*
 * The gateway by which the NIC reaches the collector, where nobody named one: that of a route the NIC has,
 * else, as upstream's package does, the first address of the NIC's network.
 */
static bool find_gateway(struct route *route, const char *nic)
{
	struct ifaddrs *addresses, *a;
	struct route present;
	uint32_t first;

	if (!netlink_route_get(&route->dst, route->ifindex, &present) &&
	    present.gateway.family == route->dst.family) {
		route->gateway = present.gateway;
		return true;
	}
	if (route->dst.family != AF_INET || getifaddrs(&addresses))
		return false;
	for (a = addresses; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_netmask && a->ifa_addr->sa_family == AF_INET &&
		    !strcmp(a->ifa_name, nic))
			break;
	if (a) {
		first = (((struct sockaddr_in *)a->ifa_addr)->sin_addr.s_addr &
			 ((struct sockaddr_in *)a->ifa_netmask)->sin_addr.s_addr) |
			htonl(1);
		route->gateway.family = AF_INET;
		memcpy(route->gateway.bytes, &first, sizeof(first));
		log_warn("no route through %s and no --gtw-address: using the first address of its network "
			 "as gateway",
			 nic);
	}
	freeifaddrs(addresses);
	return route->gateway.family;
}

/* Whether a route of ours is there, by another gateway than the one that is named now. */
static bool outdated(const struct route *route, struct route *made)
{
	return route->gateway.family && !netlink_host_route(&route->dst, route->ifindex, made) &&
	       made->protocol == ROUTE_PROTOCOL &&
	       memcmp(&made->gateway, &route->gateway, sizeof(made->gateway));
}

static int ensure(struct route *route, const char *nic)
{
	char collector[INET6_ADDRSTRLEN];
	struct route present, made;
	bool replace = outdated(route, &made);
	int err;

	/* a way through that NIC is there: on-link, or by a gateway somebody chose */
	if (!replace && !netlink_route_get(&route->dst, 0, &present) && present.ifindex == route->ifindex)
		return 0;
	inet_ntop(route->dst.family, route->dst.bytes, collector, sizeof(collector));
	if (route->gateway.family && route->gateway.family != route->dst.family) {
		log_error("--gtw-address is not of the address family of %s", collector);
		return -EAFNOSUPPORT;
	}
	if (!route->gateway.family && !find_gateway(route, nic)) {
		log_error("%s is not on a network of %s: give its gateway with --gtw-address", collector,
			  nic);
		return -EHOSTUNREACH;
	}
	if (replace)
		netlink_route_del(&made);
	err = netlink_route_add(route);
	if (err == -EEXIST)
		return 0;
	if (err && replace)
		netlink_route_add(&made);
	if (err)
		log_error("cannot add the route to %s through %s: %s", collector, nic, strerror(-err));
	else
		log_info("route to %s through %s added", collector, nic);
	return err;
}

int route_ensure(const struct delivery *d)
{
	struct route routes[MIRROR_MAX_COLLECTORS];
	size_t n = wanted_routes(d, routes);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = ensure(&routes[i], d->redirect_to);
	return err;
}

/* Which of these routes an instance wants. */
static void mark_wanted(const struct instance *i, const struct route *routes, size_t n, bool wanted[])
{
	struct route theirs[MIRROR_MAX_COLLECTORS];
	struct delivery d;
	size_t n_theirs;

	tables_delivery(i->tables, &d);
	n_theirs = wanted_routes(&d, theirs);
	for (size_t r = 0; r < n; r++)
		for (size_t t = 0; t < n_theirs; t++)
			wanted[r] |= theirs[t].ifindex == routes[r].ifindex &&
				     !memcmp(&theirs[t].dst, &routes[r].dst, sizeof(routes[r].dst));
}

void route_release(const struct delivery *d)
{
	struct route routes[MIRROR_MAX_COLLECTORS], made;
	size_t n = wanted_routes(d, routes), n_instances;
	bool wanted[MIRROR_MAX_COLLECTORS] = {};
	char collector[INET6_ADDRSTRLEN];
	struct instance *instances;

	if (!n)
		return;
	instance_all(&instances, &n_instances);
	for (size_t i = 0; i < n_instances; i++)
		mark_wanted(&instances[i], routes, n, wanted);
	instance_free_all(instances, n_instances);
	for (size_t i = 0; i < n; i++) {
		if (wanted[i] || netlink_host_route(&routes[i].dst, routes[i].ifindex, &made) ||
		    made.protocol != ROUTE_PROTOCOL || netlink_route_del(&made))
			continue;
		inet_ntop(routes[i].dst.family, routes[i].dst.bytes, collector, sizeof(collector));
		log_info("route to %s through %s removed", collector, d->redirect_to);
	}
}
