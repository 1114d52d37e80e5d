// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../../common/log.h"
#include "../host/collector.h"
#include "../wire/formats.h"

static struct address address_of(const struct mirror_collector *collector)
{
	struct address address = { .family = collector->family };

	memcpy(address.bytes, collector->addr, sizeof(address.bytes));
	return address;
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

/* The filter's copies leave by a kernel device. */
static int add_device(struct configuration *c, size_t index, const char *name, const char *what)
{
	struct mirror_filter *row = &c->rows[index];
	struct mirror_device *device;
	struct link link;
	int err = usable_link(name, what, &link);

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

/* How the options want copies to be sent, to any collector. */
static struct mirror_group group_of(const struct delivery *d)
{
	struct mirror_group group = {
		.ttl = d->ttl,
		.dscp = d->dscp,
		.local_family = d->local_address.family,
		.local_port = d->local_port,
	};

	memcpy(group.local_addr, d->local_address.bytes, sizeof(group.local_addr));
	return group;
}

/* Legs come in their order. */
static int add_collector(struct configuration *c, size_t index, const struct mirror_collector *collector,
			 size_t leg, const char *what)
{
	struct legs *legs = &c->legs[index];
	struct mirror_group *group = &legs->at[leg];
	struct address address = address_of(collector);
	struct link link;
	int err = collector->family ? 0 : usable_link(collector->device, what, &link);

	if (err)
		return err;
	if (leg == legs->n) {
		*group = group_of(&c->delivery);
		legs->n++;
	}
	if (group->collectors == MIRROR_MAX_COLLECTORS) {
		log_error("%s: more than %d collectors", what, MIRROR_MAX_COLLECTORS);
		return -E2BIG;
	}
	group->collector[group->collectors++] = *collector;
	c->rows[index].exit = EXIT_RING;
	if (collector->family)
		add_outer(c, &address, format_of(collector->format)->proto, collector->port);
	return 0;
}

/* A collector that the options name. to: its address; NULL: the format is sent out of --redirect-to. */
static int add_default_collector(struct configuration *c, size_t index, const struct format *format,
				 const struct address *to, uint32_t weight, uint32_t leg)
{
	const struct delivery *d = &c->delivery;
	struct mirror_collector collector = { .format = format->number, .weight = weight, .id = d->id };
	char text[COLLECTOR_TEXT_LEN];
	const char *why;

	if (to) {
		collector.family = to->family;
		memcpy(collector.addr, to->bytes, sizeof(collector.addr));
		collector.port = d->port;
	} else {
		memcpy(collector.device, d->redirect_to, sizeof(collector.device));
	}
	if (collector_complete(&collector, &why)) {
		collector_print(&collector, text);
		log_error("--tunnel-type: collector \"%s\" %s", text, why);
		return -EINVAL;
	}
	return add_collector(c, index, &collector, leg, "--tunnel-type");
}

/* Where copies of a filter without `to` go: what the options say. -EDESTADDRREQ, silently: nothing. */
static int add_default_destination(struct configuration *c, size_t index)
{
	const struct delivery *d = &c->delivery;
	const struct format *format = format_of(d->format ?: FORMAT_GUE);
	int err = 0;

	if (*d->tunnel_interface && d->format) {
		log_error("--tunnel-interface-name and --tunnel-type are mutually exclusive");
		return -EINVAL;
	}
	if (*d->tunnel_interface)
		return add_device(c, index, d->tunnel_interface, "--tunnel-interface-name");
	if (format->carrier == CARRIER_DEVICE)
		return add_default_collector(c, index, format, NULL, 1, 0);
	for (size_t i = 0; i < d->collectors.n && !err; i++)
		err = add_default_collector(c, index, format, &d->collectors.at[i].address,
					    d->collectors.at[i].weight, d->collectors.at[i].leg);
	if (err || d->collectors.n)
		return err;
	if (d->format) {
		log_error("--tunnel-type %s needs --tunnel-remote-address", format->name);
		return -EINVAL;
	}
	return *d->redirect_to ? add_device(c, index, d->redirect_to, "--redirect-to") : -EDESTADDRREQ;
}

static bool is_device(const struct destination *to)
{
	return !to->collector.format;
}

static int check_kinds(const struct filter *f, const char *what)
{
	for (size_t i = 0; i < f->n_to; i++) {
		if (is_device(&f->to[i]) != is_device(&f->to[0])) {
			log_error("%s: `to` names both kernel devices and collectors: name one kind "
				  "(dev:DEVICE is a collector)",
				  what);
			return -EINVAL;
		}
	}
	if (f->n_to && is_device(&f->to[0]) && filter_legs(f) > 1) {
		log_error("%s: the kernel device %s cannot be one of several legs: dev:%s is a collector",
			  what, f->to[0].text, f->to[0].text);
		return -EINVAL;
	}
	return 0;
}

static int add_own_destinations(struct configuration *c, size_t index, const char *what)
{
	const struct filter *f = &c->filters->at[index];
	int err = check_kinds(f, what);

	for (size_t i = 0; i < f->n_to && !err; i++)
		err = is_device(&f->to[i]) ? add_device(c, index, f->to[i].text, what) :
					     add_collector(c, index, &f->to[i].collector, f->to[i].leg, what);
	return err;
}

/* The values of an option for the legs of a filter: what the rule says, else what the options say. */
static const struct leg_values *values_of(const struct configuration *c, size_t index, enum leg_option option)
{
	const struct leg_values *own = &c->filters->at[index].leg[option];

	return own->n ? own : &c->delivery.leg[option];
}

static const char *const leg_option_names[LEG_OPTIONS] = { "snaplen", "oversize", "metadata", "segment" };

/* The options of each leg, and what the data path copies for all of them. */
static int complete_legs(struct configuration *c, size_t index, const char *what)
{
	struct legs *legs = &c->legs[index];
	const struct leg_values *v[LEG_OPTIONS];
	uint32_t snaplen, largest;

	for (int option = 0; option < LEG_OPTIONS; option++) {
		v[option] = values_of(c, index, option);
		if (!legs_fit(v[option], legs->n)) {
			log_error("%s: " LEGS_MISFIT, what, leg_option_names[option], v[option]->n, legs->n);
			return -EINVAL;
		}
		/* as it is read back: the text of a rule that stays is the same */
		legs_shorten(&c->filters->at[index].leg[option]);
	}
	largest = legs_largest_snaplen(v[LEG_SNAPLEN]);
	row_set_snaplen(&c->rows[index], largest);
	for (size_t leg = 0; leg < legs->n; leg++) {
		snaplen = legs_value(v[LEG_SNAPLEN], leg);
		/* a leg that gets all that is copied follows the row */
		legs->at[leg].snaplen = snaplen == largest ? 0 : snaplen;
		legs->at[leg].oversize = legs_value(v[LEG_OVERSIZE], leg);
		legs->at[leg].metadata = legs_value(v[LEG_METADATA], leg);
		legs->at[leg].segment = legs_value(v[LEG_SEGMENT], leg);
	}
	return 0;
}

/* owner: of the filter's groups, if it needs some of its own. */
static void limit_rate(struct legs *legs, const struct filter *f, uint32_t owner)
{
	for (size_t leg = 0; leg < legs->n && (f->max_packets || f->max_bits); leg++) {
		legs->at[leg].owner = owner;
		legs->at[leg].max_packets = f->max_packets;
		legs->at[leg].max_bits = f->max_bits;
	}
}

/* Options that only the sender can fulfil. */
static int check_clone(const struct configuration *c, size_t index, const char *what)
{
	const struct filter *f = &c->filters->at[index];

	if (f->max_packets || f->max_bits) {
		log_error("%s: max-rate: a kernel device gets all copies; a rate needs a collector", what);
		return -EOPNOTSUPP;
	}
	for (int option = 0; option < LEG_OPTIONS; option++) {
		const struct leg_values *v = values_of(c, index, option);
		/* what must not leave this host must not leave it by a device, whoever says so */
		bool said = f->leg[option].n || (option == LEG_SNAPLEN && v->at[0] & SNAPLEN_ZERO);

		/* snaplen 0 is what it gets */
		if (said && (option != LEG_SNAPLEN || v->n > 1 || v->at[0])) {
			log_error("%s: %s needs a collector: a kernel device gets whole packets", what,
				  leg_option_names[option]);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/* owner: of the filter's group, if it needs one of its own. */
static int resolve_filter(struct configuration *c, size_t index, uint32_t owner)
{
	const struct filter *f = &c->filters->at[index];
	struct mirror_filter *row = &c->rows[index];
	char what[32];
	int err;

	snprintf(what, sizeof(what), "filter %zu", index + 1);
	*row = filter_row(f);
	c->legs[index].n = 0;
	if (f->action == ACTION_COUNT && !(row->own & OWN_SNAPLEN))
		row_set_snaplen(row, legs_largest_snaplen(&c->delivery.leg[LEG_SNAPLEN]));
	if (f->action != ACTION_MIRROR)
		return 0;
	err = f->n_to ? add_own_destinations(c, index, what) : add_default_destination(c, index);
	if (err == -EDESTADDRREQ)
		log_error("%s has no destination: give --tunnel-remote-address, --tunnel-interface-name or "
			  "--redirect-to, or "
			  "`to` in the rule",
			  what);
	if (err)
		return err;
	if (!row->first)
		row->first = c->delivery.first;
	if (row->exit != EXIT_RING)
		return check_clone(c, index, what);
	limit_rate(&c->legs[index], f, owner);
	return complete_legs(c, index, what);
}

/*
 * Large packets of a filter may be cloned into the device of its only collector if that gets whole packets,
 * all of them, and none waits for a name.
 */
static void plan_clones(struct configuration *c, size_t index, const struct instance *i)
{
	const struct mirror_group *g = &c->legs[index].at[0];
	struct mirror_filter *row = &c->rows[index];
	struct link link;

	if (!c->delivery.clone_above || c->legs[index].n != 1 || g->collectors != 1 ||
	    g->collector[0].format != FORMAT_DEV || !g->collector[0].weight || g->segment || g->owner ||
	    row->snaplen || row->trim || row->first || filters_constrain(c->filters, DIM_DOMAIN) ||
	    netlink_link(g->collector[0].device, &link) || link.ifindex == i->link.ifindex)
		return;
	row->clone_above = c->delivery.clone_above;
	row->device[0] = (struct mirror_device){ .ifindex = link.ifindex, .l3 = link.l3 };
	memcpy(row->device[0].name, link.name, sizeof(row->device[0].name));
}

/*
 * Copies that keep production's addresses must not leave where peers, bridges and switches see these already:
 * a peer would receive packets twice, a bridge learn that the sender's address is at our port.
 */
static int check_apart(const struct configuration *c, size_t index, const struct instance *i,
		       const char *device, bool clone)
{
	struct link link;
	bool stacked;
	int err = netlink_link(device, &link);

	if (!err)
		err = netlink_stacked(i->link.ifindex, link.ifindex, &stacked);
	if (err) {
		log_error("filter %zu: %s: %s", index + 1, device, strerror(-err));
		return err;
	}
	/* the data path clones no packet into its own device */
	if (!stacked || (c->delivery.allow_same_device && !(clone && link.ifindex == i->link.ifindex)))
		return 0;
	log_error("filter %zu: expected a device that %s is neither stacked on nor part of, got \"%s\"%s",
		  index + 1, i->link.name, device,
		  c->delivery.allow_same_device ? "" : " (--allow-same-device=on)");
	return -EINVAL;
}

typedef int collector_check(const struct configuration *c, size_t index,
			    const struct mirror_collector *collector, const void *ctx);

/* Until one fails. */
static int each_collector(const struct configuration *c, size_t index, collector_check *check,
			  const void *ctx)
{
	const struct legs *legs = &c->legs[index];
	int err = 0;

	for (size_t leg = 0; leg < legs->n; leg++)
		for (int i = 0; i < legs->at[leg].collectors && !err; i++)
			err = check(c, index, &legs->at[leg].collector[i], ctx);
	return err;
}

static int check_collector_apart(const struct configuration *c, size_t index,
				 const struct mirror_collector *collector, const void *instance)
{
	return collector->family ? 0 : check_apart(c, index, instance, collector->device, false);
}

static int check_devices(const struct configuration *c, size_t index, const struct instance *i)
{
	const struct mirror_filter *row = &c->rows[index];
	int err = 0;

	for (int d = 0; d < row->devices && !err; d++)
		err = check_apart(c, index, i, row->device[d].name, true);
	return err ? err : each_collector(c, index, check_collector_apart, i);
}

/* A clone leaves at once; a packet whose flow has no name yet must wait for it. */
static int check_names_can_wait(const struct configuration *c)
{
	size_t named = 0, device = 0;

	while (named < c->filters->n && !(c->filters->at[named].constrained & 1U << DIM_DOMAIN))
		named++;
	while (device < c->filters->n && !c->rows[device].devices)
		device++;
	if (named == c->filters->n || device == c->filters->n)
		return 0;
	log_error(
		"filter %zu copies to kernel device %s at once, but filter %zu has domain, and packets wait "
		"until its name is known: use dev:%s",
		device + 1, c->rows[device].device[0].name, named + 1, c->rows[device].device[0].name);
	return -EOPNOTSUPP;
}

int delivery_resolve(struct configuration *c, const struct instance *i)
{
	const struct delivery *d = &c->delivery;
	struct link link;
	int err = 0;

	c->n_outers = 0;
	if (*d->redirect_to)
		err = usable_link(d->redirect_to, "--redirect-to", &link);
	if (!err && *d->tunnel_interface)
		err = usable_link(d->tunnel_interface, "--tunnel-interface-name", &link);
	for (size_t f = 0; f < c->filters->n && !err; f++) {
		err = resolve_filter(c, f, i->link.ifindex * 128 + (i->direction == EGRESS) * 64 + f);
		if (!err)
			plan_clones(c, f, i);
		if (!err)
			err = check_devices(c, f, i);
	}
	if (!err)
		err = check_names_can_wait(c);
	if (err || !*d->tunnel_interface || !d->port)
		return err;
	/* a tunnel device may not tell where it leads; the options do */
	for (size_t i = 0; i < d->collectors.n; i++)
		add_outer(c, &d->collectors.at[i].address, IPPROTO_UDP, d->port);
	return 0;
}

bool delivery_needs_rings(const struct configuration *c)
{
	for (size_t i = 0; i < c->filters->n; i++)
		if (c->rows[i].exit == EXIT_RING)
			return true;
	return filters_constrain(c->filters, DIM_DOMAIN);
}

static void look_at_device(void *ctx, const struct mirror_device *device)
{
	char name[MIRROR_NAME_LEN + 1];
	struct link link;

	snprintf(name, sizeof(name), "%.*s", MIRROR_NAME_LEN, device->name);
	*(bool *)ctx |= !netlink_link(name, &link) && link.up && link.ifindex != (int)device->ifindex;
}

bool delivery_outdated(const struct tables *t)
{
	bool outdated = false;

	tables_each_device(t, look_at_device, &outdated);
	return outdated;
}

static int check_route(const struct configuration *c, size_t index, const struct mirror_collector *collector,
		       const void *planned)
{
	struct address address = address_of(collector);
	char text[COLLECTOR_TEXT_LEN];
	struct route route;
	int err;

	(void)c;
	(void)index;
	if (!collector->family || routes_planned(planned, &address))
		return 0;
	err = netlink_route_get(&address, 0, &route);
	if (err) {
		collector_print(collector, text);
		log_error("no route to collector %s: %s", text, strerror(-err));
	}
	return err;
}

int delivery_check_routes(const struct configuration *c, const struct routes *planned)
{
	int err = 0;

	for (size_t i = 0; i < c->filters->n && !err; i++)
		err = each_collector(c, i, check_route, planned);
	return err;
}
