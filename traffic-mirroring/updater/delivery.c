// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "instance.h"

/* rtm_protocol of the routes that are ours: `ip route` shows it, and stop removes no other. */
#define ROUTE_PROTOCOL 109

static int parse_address(const char *text, struct address *address)
{
	*address = (struct address){};
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		address->family = AF_INET;
	else if (inet_pton(AF_INET6, text, address->bytes) == 1)
		address->family = AF_INET6;
	return address->family ? 0 : -EINVAL;
}

int delivery_check_option(enum mirror_option option, const char *name, const char *text)
{
	struct address address;
	unsigned long port;

	switch (option) {
	case OPT_TUNNEL_INTERFACE:
	case OPT_REDIRECT_TO:
		if (*text && strlen(text) < IFNAMSIZ)
			return 0;
		log_error("%s: \"%s\" is no device name: 1 to %d characters", name, text, IFNAMSIZ - 1);
		return -EINVAL;
	case OPT_TUNNEL_REMOTE_ADDRESS:
	case OPT_GATEWAY:
		if (!parse_address(text, &address))
			return 0;
		log_error("%s: \"%s\" is no IPv4 or IPv6 address", name, text);
		return -EINVAL;
	case OPT_TUNNEL_LOCAL_PORT:
	case OPT_TUNNEL_REMOTE_PORT:
		if (!args_number(text, 1, 65535, &port))
			return 0;
		log_error("%s: \"%s\" is no port: 1 to 65535", name, text);
		return -EINVAL;
	default:
		return 0;
	}
}

static void add_outer(struct configuration *c, const struct address *address, uint8_t proto, uint16_t port)
{
	struct mirror_outer outer = {
		.family = address->family == AF_INET ? 4 : 6,
		.proto = proto,
		.port = port,
	};

	memcpy(outer.addr, address->bytes, sizeof(outer.addr));
	for (size_t i = 0; i < c->n_outers; i++)
		if (!memcmp(&c->outers[i], &outer, sizeof(outer)))
			return;
	if (c->n_outers < MIRROR_MAX_OUTERS)
		c->outers[c->n_outers++] = outer;
}

/* name: of the device; what: whose it is, for errors. */
static int usable_link(const char *name, const char *what, struct link *link)
{
	int err = netlink_link(name, link);

	if (err == -ENODEV)
		log_error("%s: there is no device \"%s\"", what, name);
	else if (err)
		log_error("%s: %s: %s", what, name, strerror(-err));
	else if (!link->up) {
		log_error("%s: device %s is not up", what, name);
		err = -ENETDOWN;
	}
	return err;
}

static int add_device(struct configuration *c, size_t index, const char *name, const char *what)
{
	struct mirror_filter *row = &c->rows[index];
	struct mirror_device *device;
	struct link link;
	int err;

	if (strchr(name, ':')) {
		log_error("%s: \"%s\": copies go to devices only, not yet to collectors by address", what, name);
		return -EOPNOTSUPP;
	}
	err = usable_link(name, what, &link);
	if (err)
		return err;
	device = &row->device[row->devices++];
	device->ifindex = link.ifindex;
	device->l3 = link.l3;
	memcpy(device->name, link.name, sizeof(device->name));
	if (link.outer_proto)
		add_outer(c, &link.outer, link.outer_proto, link.outer_port);
	return 0;
}

static int resolve_filter(struct configuration *c, size_t index, const char *standard, const char *option,
			  bool may_lack_target)
{
	const struct filter *f = &c->filters->at[index];
	char what[32];
	int err = 0;

	snprintf(what, sizeof(what), "filter %zu", index + 1);
	c->rows[index] = (struct mirror_filter){ .exit = EXIT_DEVICE };
	if (f->action == ACTION_SKIP)
		return 0;
	if (f->snaplen) {
		log_error("%s: snaplen %u: a device gets whole packets; trimming needs a collector", what, f->snaplen);
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < f->n_to && !err; i++)
		err = add_device(c, index, f->to[i], what);
	if (err || f->n_to)
		return err;
	if (standard)
		return add_device(c, index, standard, option);
	if (!may_lack_target) {
		log_error("%s has no target: give --tunnel-interface-name or --redirect-to, or `to` in the rule", what);
		return -EDESTADDRREQ;
	}
	c->rows[index].exit = EXIT_NONE;
	return 0;
}

int delivery_resolve(struct configuration *c, bool may_lack_target)
{
	const char *tunnel = c->options.text[OPT_TUNNEL_INTERFACE], *nic = c->options.text[OPT_REDIRECT_TO];
	const char *port = c->options.text[OPT_TUNNEL_REMOTE_PORT];
	const char *standard = *tunnel ? tunnel : *nic ? nic : NULL;
	struct address remote;
	unsigned long number;
	struct link link;
	int err = 0;

	c->n_outers = 0;
	if (*nic)
		err = usable_link(nic, "--redirect-to", &link);
	if (!err && *tunnel)
		err = usable_link(tunnel, "--tunnel-interface-name", &link);
	for (size_t i = 0; i < c->filters->n && !err; i++)
		err = resolve_filter(c, i, standard, *tunnel ? "--tunnel-interface-name" : "--redirect-to",
				     may_lack_target);
	if (err)
		return err;
	/* a tunnel device may not tell its remote end; the options do */
	if (!parse_address(c->options.text[OPT_TUNNEL_REMOTE_ADDRESS], &remote) && !args_number(port, 1, 65535, &number))
		add_outer(c, &remote, IPPROTO_UDP, number);
	return 0;
}

/* The route that the options ask for; false: they ask for none. */
static bool wanted_route(const struct mirror_options *options, struct route *route)
{
	struct link link;

	*route = (struct route){ .protocol = ROUTE_PROTOCOL };
	if (parse_address(options->text[OPT_TUNNEL_REMOTE_ADDRESS], &route->dst) ||
	    !*options->text[OPT_REDIRECT_TO] || netlink_link(options->text[OPT_REDIRECT_TO], &link))
		return false;
	route->dst_len = route->dst.family == AF_INET ? 32 : 128;
	route->ifindex = link.ifindex;
	if (*options->text[OPT_GATEWAY])
		parse_address(options->text[OPT_GATEWAY], &route->gateway);
	return true;
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

	if (!netlink_route_get(&route->dst, route->ifindex, &present) && present.gateway.family == route->dst.family) {
		route->gateway = present.gateway;
		return true;
	}
	if (route->dst.family != AF_INET || getifaddrs(&addresses))
		return false;
	for (a = addresses; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_netmask && a->ifa_addr->sa_family == AF_INET && !strcmp(a->ifa_name, nic))
			break;
	if (a) {
		first = (((struct sockaddr_in *)a->ifa_addr)->sin_addr.s_addr &
			 ((struct sockaddr_in *)a->ifa_netmask)->sin_addr.s_addr) | htonl(1);
		route->gateway.family = AF_INET;
		memcpy(route->gateway.bytes, &first, sizeof(first));
		log_warn("no route through %s and no --gtw-address: the first address of its network is taken as gateway",
			 nic);
	}
	freeifaddrs(addresses);
	return route->gateway.family;
}

int delivery_ensure_route(const struct mirror_options *options)
{
	const char *remote = options->text[OPT_TUNNEL_REMOTE_ADDRESS], *nic = options->text[OPT_REDIRECT_TO];
	struct route route, present;
	int err;

	if (!wanted_route(options, &route))
		return 0;
	/* a way through that NIC is there: on-link, or by a gateway somebody chose */
	if (!netlink_route_get(&route.dst, 0, &present) && present.ifindex == route.ifindex)
		return 0;
	if (route.gateway.family && route.gateway.family != route.dst.family) {
		log_error("--gtw-address: \"%s\" is not of the address family of %s", options->text[OPT_GATEWAY], remote);
		return -EAFNOSUPPORT;
	}
	if (!route.gateway.family && !find_gateway(&route, nic)) {
		log_error("%s is not on a network of %s: give its gateway by --gtw-address", remote, nic);
		return -EHOSTUNREACH;
	}
	err = netlink_route_add(&route);
	if (err == -EEXIST)
		return 0;
	if (err)
		log_error("cannot add the route to %s through %s: %s", remote, nic, strerror(-err));
	else
		log_info("route to %s through %s added", remote, nic);
	return err;
}

void delivery_release_route(const struct mirror_options *options)
{
	struct route route, made, other;
	struct instance *instances;
	bool wanted = false;
	size_t n;

	if (!wanted_route(options, &route) || netlink_host_route(&route.dst, route.ifindex, &made) ||
	    made.protocol != ROUTE_PROTOCOL)
		return;
	instance_all(&instances, &n);
	for (size_t i = 0; i < n; i++) {
		const struct mirror_options *theirs = tables_options(instances[i].tables);

		wanted |= wanted_route(theirs, &other) && other.ifindex == route.ifindex &&
			  !memcmp(&other.dst, &route.dst, sizeof(route.dst));
	}
	instance_free_all(instances, n);
	if (!wanted && !netlink_route_del(&made))
		log_info("route to %s through %s removed", options->text[OPT_TUNNEL_REMOTE_ADDRESS],
			 options->text[OPT_REDIRECT_TO]);
}
