// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../common/error_text.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "instance.h"

/* rtm_protocol of the routes that are ours: `ip route` shows it, and stop removes no other. */
#define ROUTE_PROTOCOL 109

/* Whoever changes routes holds its lock: a route that one instance finds is not removed by another. */
#define LOCKED BPFFS "/tc/globals"

/* The routes that the options ask for. */
static int wanted_routes(const struct delivery *d, struct route routes[MIRROR_MAX_COLLECTORS], size_t *n)
{
	struct link link;
	int err;

	*n = 0;
	if (!*d->redirect_to || !d->collectors.n)
		return 0;
	err = netlink_link(d->redirect_to, &link);
	if (err)
		return err == -ENODEV ? 0 : err;
	for (; *n < d->collectors.n; ++*n)
		routes[*n] = (struct route){
			.dst = d->collectors.at[*n].address,
			.dst_len = d->collectors.at[*n].address.family == AF_INET ? 32 : 128,
			.gateway = d->gateway,
			.protocol = ROUTE_PROTOCOL,
			.ifindex = link.ifindex,
		};
	return 0;
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

/* Whether the kernel leads there through that NIC: on-link, or by a gateway somebody chose. */
static int leads_there(const struct route *route, bool *leads)
{
	struct route present = {};
	int err = netlink_route_get(&route->dst, 0, &present);

	*leads = !err && present.ifindex == route->ifindex;
	switch (err) {
	case -ENETUNREACH:
	case -EHOSTUNREACH:
	case -EACCES: /* a route of type prohibit */
	case -EINVAL: /* blackhole */
		return 0;
	}
	return err;
}

/* Whether a route of ours is there, by another gateway than the one that is named now. */
static int find_outdated(const struct route *route, struct route *old, bool *found)
{
	int err = route->gateway.family ? netlink_host_route(&route->dst, route->ifindex, old) : -ENOENT;

	*found = !err && old->protocol == ROUTE_PROTOCOL &&
		 memcmp(&old->gateway, &route->gateway, sizeof(old->gateway));
	return err == -ENOENT ? 0 : err;
}

/* Adds one that must be made to the plan. */
static int plan(struct routes *r, const struct route *route, const char *nic)
{
	struct planned_route *p = &r->at[r->n];
	char collector[INET6_ADDRSTRLEN];
	bool leads = false;
	int err;

	*p = (struct planned_route){ .route = *route };
	inet_ntop(route->dst.family, route->dst.bytes, collector, sizeof(collector));
	err = find_outdated(route, &p->old, &p->replaces);
	if (!err && !p->replaces)
		err = leads_there(route, &leads);
	if (err)
		log_error("cannot read the route to %s: %s", collector, error_text(err));
	if (err || leads)
		return err;
	if (route->gateway.family && route->gateway.family != route->dst.family) {
		log_error("--gtw-address is not of the address family of %s", collector);
		return -EAFNOSUPPORT;
	}
	if (!route->gateway.family && !find_gateway(&p->route, nic)) {
		log_error("%s is not on a network of %s: give its gateway with --gtw-address", collector,
			  nic);
		return -EHOSTUNREACH;
	}
	snprintf(p->nic, sizeof(p->nic), "%s", nic);
	r->n++;
	return 0;
}

int routes_plan(struct routes *r, const struct delivery *before, const struct delivery *now)
{
	struct route wanted[MIRROR_MAX_COLLECTORS];
	size_t n;
	int err;

	*r = (struct routes){ .lock = -1, .before = *before };
	if (!*before->redirect_to && !*now->redirect_to)
		return 0;
	r->lock = lock_directory(LOCKED);
	if (r->lock == -ENOENT)
		log_error("cannot lock %s: %s", LOCKED, strerror(ENOENT));
	if (r->lock < 0)
		return r->lock;
	err = wanted_routes(now, wanted, &n);
	if (err)
		log_error("--redirect-to: %s: %s", now->redirect_to, strerror(-err));
	for (size_t i = 0; i < n && !err; i++)
		err = plan(r, &wanted[i], now->redirect_to);
	return err;
}

bool routes_planned(const struct routes *r, const struct address *dst)
{
	for (size_t i = 0; i < r->n; i++)
		if (!memcmp(&r->at[i].route.dst, dst, sizeof(*dst)))
			return true;
	return false;
}

static int make(struct planned_route *p)
{
	char collector[INET6_ADDRSTRLEN];
	int err = p->replaces ? netlink_route_del(&p->old) : 0;

	if (!err) {
		err = netlink_route_add(&p->route);
		if (err == -EEXIST) /* by another NIC: somebody's wish */
			return 0;
		p->made = !err;
		if (err)
			netlink_route_del(&p->route); /* it may be there, and only the answer was lost */
		if (err && p->replaces)
			netlink_route_add(&p->old);
	}
	inet_ntop(p->route.dst.family, p->route.dst.bytes, collector, sizeof(collector));
	if (err)
		log_error("cannot add the route to %s through %s: %s", collector, p->nic, error_text(err));
	else
		log_info("route to %s through %s added", collector, p->nic);
	return err;
}

int routes_make(struct routes *r)
{
	int err = 0;

	for (size_t i = 0; i < r->n && !err; i++)
		err = make(&r->at[i]);
	return err;
}

static void unmake(const struct planned_route *p)
{
	char collector[INET6_ADDRSTRLEN];
	int err = netlink_route_del(&p->route);

	if (!err && p->replaces)
		err = netlink_route_add(&p->old);
	if (!err)
		return;
	inet_ntop(p->route.dst.family, p->route.dst.bytes, collector, sizeof(collector));
	log_warn("cannot take back the route to %s through %s: %s", collector, p->nic, error_text(err));
}

struct claims {
	struct route routes[MIRROR_MAX_COLLECTORS];
	size_t n;
	bool wanted[MIRROR_MAX_COLLECTORS];
};

/* Which of these routes an instance wants: all, if that cannot be read. */
static int mark_wanted(void *ctx, const struct instance *i)
{
	struct route theirs[MIRROR_MAX_COLLECTORS];
	struct claims *c = ctx;
	struct delivery d;
	size_t n;
	int err;

	if (!i)
		return -EBUSY;
	tables_delivery(i->tables, &d);
	err = wanted_routes(&d, theirs, &n);
	if (err) {
		log_error("cannot read device \"%s\": %s", d.redirect_to, error_text(err));
		return err;
	}
	for (size_t r = 0; r < c->n; r++)
		for (size_t t = 0; t < n; t++)
			c->wanted[r] |= theirs[t].ifindex == c->routes[r].ifindex &&
					!memcmp(&theirs[t].dst, &c->routes[r].dst, sizeof(theirs[t].dst));
	return 0;
}

/* Removes a route that nobody wants any more, if it is ours. */
static void release(const struct route *route, const char *nic)
{
	char collector[INET6_ADDRSTRLEN];
	struct route made;
	int err = netlink_host_route(&route->dst, route->ifindex, &made);

	if (err == -ENOENT || (!err && made.protocol != ROUTE_PROTOCOL))
		return;
	if (!err)
		err = netlink_route_del(&made);
	inet_ntop(route->dst.family, route->dst.bytes, collector, sizeof(collector));
	if (err)
		log_warn("cannot remove the route to %s through %s: %s", collector, nic, error_text(err));
	else
		log_info("route to %s through %s removed", collector, nic);
}

static void release_unwanted(const struct delivery *before)
{
	struct claims c = { .wanted = {} };
	int err = wanted_routes(before, c.routes, &c.n);

	if (err)
		log_warn("cannot remove the routes through %s: %s", before->redirect_to, error_text(err));
	if (err || !c.n)
		return;
	if (instance_each((struct instance_query){}, mark_wanted, &c)) {
		log_warn("the host routes stay: what cannot be read may need them");
		return;
	}
	for (size_t i = 0; i < c.n; i++)
		if (!c.wanted[i])
			release(&c.routes[i], before->redirect_to);
}

void routes_end(struct routes *r, bool done)
{
	if (r->lock < 0)
		return;
	if (done)
		release_unwanted(&r->before);
	for (size_t i = 0; i < r->n && !done; i++)
		if (r->at[i].made)
			unmake(&r->at[i]);
	close(r->lock);
	r->lock = -1;
}
