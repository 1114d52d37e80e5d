// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "../../common/log.h"
#include "delivery.h"
#include "instance.h"

/* rtm_protocol of the routes that are ours: `ip route` shows it, and stop removes no other. */
#define ROUTE_PROTOCOL 109

/* The routes that the options ask for; returns their number. */
static size_t wanted_routes(const struct mirror_options *options, struct route routes[MIRROR_MAX_COLLECTORS])
{
	struct address remotes[MIRROR_MAX_COLLECTORS];
	size_t n = delivery_remotes(options, remotes);
	struct link link;

	if (!*options->text[OPT_REDIRECT_TO] || netlink_link(options->text[OPT_REDIRECT_TO], &link))
		return 0;
	for (size_t i = 0; i < n; i++) {
		routes[i] = (struct route){ .dst = remotes[i],
					    .protocol = ROUTE_PROTOCOL,
					    .ifindex = link.ifindex };
		routes[i].dst_len = remotes[i].family == AF_INET ? 32 : 128;
		if (*options->text[OPT_GATEWAY])
			address_parse(options->text[OPT_GATEWAY], &routes[i].gateway);
	}
	return n;
}

/*
 * The gateway by which the NIC reaches the collector, where nobody named one: that of a route the NIC has, else, as
 * upstream's package does, the first address of the NIC's network.
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
		log_warn("no route through %s and no --gtw-address: the first address of its network is "
			 "taken as gateway",
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
	char remote[INET6_ADDRSTRLEN];
	struct route present, made;
	bool replace = outdated(route, &made);
	int err;

	/* a way through that NIC is there: on-link, or by a gateway somebody chose */
	if (!replace && !netlink_route_get(&route->dst, 0, &present) && present.ifindex == route->ifindex)
		return 0;
	inet_ntop(route->dst.family, route->dst.bytes, remote, sizeof(remote));
	if (route->gateway.family && route->gateway.family != route->dst.family) {
		log_error("--gtw-address is not of the address family of %s", remote);
		return -EAFNOSUPPORT;
	}
	if (!route->gateway.family && !find_gateway(route, nic)) {
		log_error("%s is not on a network of %s: give its gateway by --gtw-address", remote, nic);
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
		log_error("cannot add the route to %s through %s: %s", remote, nic, strerror(-err));
	else
		log_info("route to %s through %s added", remote, nic);
	return err;
}

int route_ensure(const struct mirror_options *options)
{
	struct route routes[MIRROR_MAX_COLLECTORS];
	size_t n = wanted_routes(options, routes);
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = ensure(&routes[i], options->text[OPT_REDIRECT_TO]);
	return err;
}

static bool still_wanted(const struct route *route)
{
	struct route theirs[MIRROR_MAX_COLLECTORS];
	struct instance *instances;
	bool wanted = false;
	size_t n, routes;

	instance_all(&instances, &n);
	for (size_t i = 0; i < n; i++) {
		routes = wanted_routes(tables_options(instances[i].tables), theirs);
		for (size_t r = 0; r < routes; r++)
			wanted |= theirs[r].ifindex == route->ifindex &&
				  !memcmp(&theirs[r].dst, &route->dst, sizeof(route->dst));
	}
	instance_free_all(instances, n);
	return wanted;
}

void route_release(const struct mirror_options *options)
{
	struct route routes[MIRROR_MAX_COLLECTORS], made;
	size_t n = wanted_routes(options, routes);
	char remote[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++) {
		if (netlink_host_route(&routes[i].dst, routes[i].ifindex, &made) ||
		    made.protocol != ROUTE_PROTOCOL || still_wanted(&routes[i]) || netlink_route_del(&made))
			continue;
		inet_ntop(routes[i].dst.family, routes[i].dst.bytes, remote, sizeof(remote));
		log_info("route to %s through %s removed", remote, options->text[OPT_REDIRECT_TO]);
	}
}
