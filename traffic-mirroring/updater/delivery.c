// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "../host/collector.h"
#include "../wire/formats.h"
#include "delivery_options.h"

#define SNAPLEN_MIN 14
#define SNAPLEN_MAX 262144
#define ID_MAX 0xffffff

static const char *const oversize_names[] = {
	[OVERSIZE_TRUNCATE] = "truncate",
	[OVERSIZE_DROP] = "drop",
	[OVERSIZE_FRAGMENT] = "fragment",
};

/* ADDRESS or [ADDRESS], and @WEIGHT. */
static int parse_remote(char *text, struct address *address, unsigned long *weight)
{
	char *at = strchr(text, '@');
	size_t len;

	*weight = 1;
	if (at) {
		*at++ = '\0';
		if (args_number(at, 0, COLLECTOR_WEIGHT_MAX, weight))
			return -EINVAL;
	}
	len = strlen(text);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text[len - 1] = '\0';
		text++;
	}
	return address_parse(text, address);
}

/* Calls take for each element of a list of collectors; the first that is wrong is copied to bad. */
static int each_remote(const char *list, char bad[MIRROR_OPTION_LEN],
		       int (*take)(void *ctx, const struct address *address, uint32_t weight), void *ctx)
{
	char copy[MIRROR_OPTION_LEN], *rest = copy, *element;
	struct address address;
	unsigned long weight;
	int err = 0;

	snprintf(copy, sizeof(copy), "%s", list);
	while (!err && (element = strsep(&rest, ","))) {
		snprintf(bad, MIRROR_OPTION_LEN, "%s", element);
		err = parse_remote(element, &address, &weight);
		if (!err)
			err = take(ctx, &address, weight);
	}
	return err;
}

struct remotes {
	struct address *at;
	size_t n;
};

static int take_remote(void *ctx, const struct address *address, uint32_t weight)
{
	struct remotes *remotes = ctx;

	(void)weight;
	if (remotes->n == MIRROR_MAX_COLLECTORS)
		return -E2BIG;
	remotes->at[remotes->n++] = *address;
	return 0;
}

size_t delivery_remotes(const struct mirror_options *options, struct address remotes[MIRROR_MAX_COLLECTORS])
{
	const char *list = options->text[OPT_TUNNEL_REMOTE_ADDRESS];
	struct remotes taken = { .at = remotes };
	char bad[MIRROR_OPTION_LEN];

	return !*list || each_remote(list, bad, take_remote, &taken) ? 0 : taken.n;
}

static int check_number(const char *name, const char *text, unsigned long min, unsigned long max)
{
	unsigned long number;

	if (!args_number(text, min, max, &number))
		return 0;
	log_error("%s: \"%s\" is no number from %lu to %lu", name, text, min, max);
	return -EINVAL;
}

static int check_word(const char *name, const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return 0;
	log_error("%s: \"%s\" is none of %s, %s%s%s", name, text, words[0], words[1], n > 2 ? ", " : "",
		  n > 2 ? words[2] : "");
	return -EINVAL;
}

static int check_remotes(const char *name, const char *text)
{
	struct address at[MIRROR_MAX_COLLECTORS];
	struct remotes remotes = { .at = at };
	char bad[MIRROR_OPTION_LEN];
	int err = each_remote(text, bad, take_remote, &remotes);

	if (err == -E2BIG)
		log_error("%s: more than %d addresses", name, MIRROR_MAX_COLLECTORS);
	else if (err)
		log_error("%s: \"%s\" is no IPv4 or IPv6 address, with @WEIGHT from 0 to %d behind it or not",
			  name, bad, COLLECTOR_WEIGHT_MAX);
	return err;
}

static int check_local_address(const char *name, const char *text)
{
	struct address address;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	int fd, err = 0;

	if (address_parse(text, &address)) {
		log_error("%s: \"%s\" is no IPv4 or IPv6 address", name, text);
		return -EINVAL;
	}
	memcpy(&four.sin_addr, address.bytes, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, address.bytes, sizeof(six.sin6_addr));
	fd = socket(address.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || (address.family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof(four)) :
						   bind(fd, (struct sockaddr *)&six, sizeof(six)))) {
		err = -errno;
		log_error("%s: \"%s\" is no address of this host", name, text);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int delivery_check_option(enum mirror_option option, const char *text)
{
	static const char *const switches[] = { "off", "on" };
	struct address address;
	char name[64];

	snprintf(name, sizeof(name), "--%s", delivery_option_names[option]);
	if (strlen(text) >= MIRROR_OPTION_LEN) {
		log_error("%s: longer than %d characters", name, MIRROR_OPTION_LEN - 1);
		return -EINVAL;
	}
	switch (option) {
	case OPT_TUNNEL_INTERFACE:
	case OPT_REDIRECT_TO:
		if (*text && strlen(text) < IFNAMSIZ)
			return 0;
		log_error("%s: \"%s\" is no device name: 1 to %d characters", name, text, IFNAMSIZ - 1);
		return -EINVAL;
	case OPT_TUNNEL_TYPE:
		if (format_find(text))
			return 0;
		log_error("%s: \"%s\" is none of " FORMAT_NAMES, name, text);
		return -EINVAL;
	case OPT_TUNNEL_REMOTE_ADDRESS:
		return check_remotes(name, text);
	case OPT_TUNNEL_LOCAL_ADDRESS:
		return check_local_address(name, text);
	case OPT_GATEWAY:
		if (!address_parse(text, &address))
			return 0;
		log_error("%s: \"%s\" is no IPv4 or IPv6 address", name, text);
		return -EINVAL;
	case OPT_TUNNEL_ID:
		return check_number(name, text, 0, ID_MAX);
	case OPT_TUNNEL_LOCAL_PORT:
	case OPT_TUNNEL_REMOTE_PORT:
		return check_number(name, text, 1, 65535);
	case OPT_SNAPLEN:
		return strcmp(text, "0") ? check_number(name, text, SNAPLEN_MIN, SNAPLEN_MAX) : 0;
	case OPT_TTL:
		return check_number(name, text, 1, 255);
	case OPT_DSCP:
		return check_number(name, text, 0, 63);
	case OPT_OVERSIZE:
		return check_word(name, text, oversize_names,
				  sizeof(oversize_names) / sizeof(oversize_names[0]));
	case OPT_TUNNEL_METADATA:
		return check_word(name, text, switches, 2);
	default:
		return 0;
	}
}

/* The number of an option that was checked, 0 where it is not given. */
static unsigned long number_of(const struct mirror_options *options, enum mirror_option option)
{
	return strtoul(options->text[option], NULL, 10);
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

static int add_collector(struct configuration *c, size_t index, const struct mirror_collector *collector,
			 const char *what)
{
	struct mirror_group *group = &c->groups[index];
	struct address address = { .family = collector->family };
	struct link link;
	int err = collector->family ? 0 : usable_link(collector->device, what, &link);

	if (err)
		return err;
	if (group->collectors == MIRROR_MAX_COLLECTORS) {
		log_error("%s: more than %d collectors", what, MIRROR_MAX_COLLECTORS);
		return -E2BIG;
	}
	group->collector[group->collectors++] = *collector;
	c->rows[index].exit = EXIT_RING;
	if (collector->family) {
		memcpy(address.bytes, collector->addr, sizeof(address.bytes));
		add_outer(c, &address, format_of(collector->format)->proto, collector->port);
	}
	return 0;
}

/* How the options want copies to be sent, whichever collectors get them. */
static void set_manner(const struct mirror_options *options, struct mirror_group *group)
{
	struct address local;

	*group = (struct mirror_group){};
	for (size_t i = 0; i < sizeof(oversize_names) / sizeof(oversize_names[0]); i++)
		if (!strcmp(options->text[OPT_OVERSIZE], oversize_names[i]))
			group->oversize = i;
	group->ttl = number_of(options, OPT_TTL);
	group->dscp = number_of(options, OPT_DSCP);
	group->metadata = !strcmp(options->text[OPT_TUNNEL_METADATA], "on");
	group->local_port = number_of(options, OPT_TUNNEL_LOCAL_PORT);
	if (!address_parse(options->text[OPT_TUNNEL_LOCAL_ADDRESS], &local)) {
		group->local_family = local.family;
		memcpy(group->local_addr, local.bytes, sizeof(group->local_addr));
	}
}

struct standard {
	struct configuration *c;
	size_t index;
	const struct format *format;
};

static int add_standard_collector(void *ctx, const struct address *address, uint32_t weight)
{
	struct standard *standard = ctx;
	const struct mirror_options *options = &standard->c->options;
	struct mirror_collector collector = {
		.format = standard->format->number,
		.weight = weight,
		.id = number_of(options, OPT_TUNNEL_ID),
	};
	const char *why;

	if (address) {
		collector.family = address->family;
		memcpy(collector.addr, address->bytes, sizeof(collector.addr));
		collector.port = number_of(options, OPT_TUNNEL_REMOTE_PORT);
	} else {
		memcpy(collector.device, options->text[OPT_REDIRECT_TO], sizeof(collector.device) - 1);
	}
	if (collector_complete(&collector, &why)) {
		log_error("--tunnel-type %s: a collector %s", standard->format->name, why);
		return -EINVAL;
	}
	return add_collector(standard->c, standard->index, &collector, "--tunnel-type");
}

/* The target of a filter that names none: what the options say. -EDESTADDRREQ, silently: nothing. */
static int add_standard_target(struct configuration *c, size_t index)
{
	const struct mirror_options *options = &c->options;
	const char *tunnel = options->text[OPT_TUNNEL_INTERFACE], *nic = options->text[OPT_REDIRECT_TO];
	const char *remote = options->text[OPT_TUNNEL_REMOTE_ADDRESS], *type = options->text[OPT_TUNNEL_TYPE];
	struct standard standard = { c, index, format_find(*type ? type : "gue") };
	char bad[MIRROR_OPTION_LEN];

	if (*tunnel && *type) {
		log_error("--tunnel-interface-name %s and --tunnel-type %s: the one is a kernel device, the "
			  "other ours; "
			  "give one of them",
			  tunnel, type);
		return -EINVAL;
	}
	if (*tunnel)
		return add_device(c, index, tunnel, "--tunnel-interface-name");
	if (!standard.format)
		return delivery_check_option(OPT_TUNNEL_TYPE, type);
	if (standard.format->carrier == CARRIER_DEVICE)
		return add_standard_collector(&standard, NULL, 1);
	if (*remote)
		return each_remote(remote, bad, add_standard_collector, &standard);
	if (*type) {
		log_error("--tunnel-type %s needs --tunnel-remote-address", type);
		return -EINVAL;
	}
	return *nic ? add_device(c, index, nic, "--redirect-to") : -EDESTADDRREQ;
}

static int add_own_targets(struct configuration *c, size_t index, const char *what)
{
	const struct filter *f = &c->filters->at[index];
	struct mirror_collector collector;
	const char *why;
	int err = 0;

	for (size_t i = 0; i < f->n_to && !err; i++) {
		if (!strchr(f->to[i], ':')) {
			err = add_device(c, index, f->to[i], what);
		} else if (collector_parse(f->to[i], &collector, &why)) {
			log_error("%s: \"%s\" %s", what, f->to[i], why);
			err = -EINVAL;
		} else {
			err = add_collector(c, index, &collector, what);
		}
	}
	if (!err && c->rows[index].devices && c->groups[index].collectors) {
		log_error("%s: `to` names both kernel devices and collectors: name one kind (dev:DEVICE is a "
			  "collector)",
			  what);
		err = -EINVAL;
	}
	return err;
}

/* owner: of the filter's group, if it needs one of its own. */
static int resolve_filter(struct configuration *c, size_t index, uint32_t owner, bool may_lack_target)
{
	const struct filter *f = &c->filters->at[index];
	struct mirror_filter *row = &c->rows[index];
	char what[32];
	int err;

	snprintf(what, sizeof(what), "filter %zu", index + 1);
	*row = (struct mirror_filter){ .exit = EXIT_DEVICE };
	set_manner(&c->options, &c->groups[index]);
	if (f->max_packets || f->max_bits) {
		c->groups[index].owner = owner;
		c->groups[index].max_packets = f->max_packets;
		c->groups[index].max_bits = f->max_bits;
	}
	if (f->action == ACTION_SKIP)
		return 0;
	row->own = (f->n_to ? OWN_TARGET : 0) | (f->snaplen ? OWN_SNAPLEN : 0);
	err = f->n_to ? add_own_targets(c, index, what) : add_standard_target(c, index);
	if (err == -EDESTADDRREQ && may_lack_target) {
		row->exit = EXIT_NONE;
		row->snaplen = f->snaplen;
		return 0;
	}
	if (err == -EDESTADDRREQ)
		log_error("%s has no target: give --tunnel-remote-address, --tunnel-interface-name or "
			  "--redirect-to, or "
			  "`to` in the rule",
			  what);
	if (err)
		return err;
	if (row->exit == EXIT_RING) {
		row->snaplen = f->snaplen ? f->snaplen : number_of(&c->options, OPT_SNAPLEN);
	} else if (f->max_packets || f->max_bits) {
		log_error("%s: max-rate: a kernel device gets all copies; a rate needs a collector", what);
		return -EOPNOTSUPP;
	} else if (f->snaplen) {
		log_error("%s: snaplen %u: a kernel device gets whole packets; trimming needs a collector",
			  what, f->snaplen);
		return -EOPNOTSUPP;
	}
	return 0;
}

int delivery_resolve(struct configuration *c, const struct instance *i, bool may_lack_target)
{
	const char *tunnel = c->options.text[OPT_TUNNEL_INTERFACE], *nic = c->options.text[OPT_REDIRECT_TO];
	unsigned long port = number_of(&c->options, OPT_TUNNEL_REMOTE_PORT);
	struct address remotes[MIRROR_MAX_COLLECTORS];
	struct link link;
	size_t n;
	int err = 0;

	c->n_outers = 0;
	if (*nic)
		err = usable_link(nic, "--redirect-to", &link);
	if (!err && *tunnel)
		err = usable_link(tunnel, "--tunnel-interface-name", &link);
	for (size_t f = 0; f < c->filters->n && !err; f++)
		err = resolve_filter(c, f, i->link.ifindex * 128 + (i->direction == EGRESS) * 64 + f,
				     may_lack_target);
	if (err || !*tunnel || !port)
		return err;
	/* a tunnel device may not tell its remote end; the options do */
	n = delivery_remotes(&c->options, remotes);
	for (size_t i = 0; i < n; i++)
		add_outer(c, &remotes[i], IPPROTO_UDP, port);
	return 0;
}

bool delivery_needs_rings(const struct configuration *c)
{
	for (size_t i = 0; i < c->filters->n; i++)
		if (c->rows[i].exit == EXIT_RING)
			return true;
	return false;
}

int delivery_check_routes(const struct configuration *c)
{
	for (size_t i = 0; i < c->filters->n; i++) {
		for (int n = 0; n < c->groups[i].collectors; n++) {
			const struct mirror_collector *collector = &c->groups[i].collector[n];
			struct address address = { .family = collector->family };
			char text[COLLECTOR_TEXT_LEN];
			struct route route;
			int err;

			if (!collector->family)
				continue;
			memcpy(address.bytes, collector->addr, sizeof(address.bytes));
			err = netlink_route_get(&address, 0, &route);
			if (err) {
				collector_print(collector, text);
				log_error("no route to collector %s: %s", text, strerror(-err));
				return err;
			}
		}
	}
	return 0;
}
