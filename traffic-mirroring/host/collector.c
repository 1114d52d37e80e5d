// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "collector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../common/units.h"
#include "../wire/formats.h"

int collector_complete(struct mirror_collector *c, const char **why)
{
	const struct format *format = format_of(c->format);
	bool device = format->carrier == CARRIER_DEVICE;

	*why = NULL;
	if (device && !c->device[0])
		*why = "needs a device";
	else if (!device && !c->family)
		*why = "needs an address";
	else if (c->port && !format->port)
		*why = "has a port, but its format has none";
	else if (c->id > format->id_max)
		*why = format->id_max ? "has an ID that is too large for its format" :
					"has an ID, but its format has none";
	else if (format->tags && !c->id)
		*why = "needs a VLAN ID from 1 to 4094";
	if (!c->port)
		c->port = format->port;
	return *why ? -EINVAL : 0;
}

/* Removes a number after the last mark from the end of text. No change without a mark. */
static int take_number(char *text, char mark, unsigned long max, unsigned long *number)
{
	char *at = strrchr(text, mark);

	if (!at)
		return 0;
	*at = '\0';
	return number_parse(at + 1, 0, max, number) ? -EINVAL : 1;
}

static int parse_address(char *text, struct mirror_collector *c, const char **why)
{
	char *end, *port;
	unsigned long number;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':')) {
			*why = "has no IPv6 address in its brackets";
			return -EINVAL;
		}
		port = end[1] ? end + 2 : NULL;
		*end = '\0';
		c->family = inet_pton(AF_INET6, text + 1, c->addr) == 1 ? AF_INET6 : 0;
	} else {
		port = strchr(text, ':');
		if (port)
			*port++ = '\0';
		c->family = inet_pton(AF_INET, text, c->addr) == 1 ? AF_INET : 0;
	}
	if (!c->family) {
		*why = "has no IPv4 address, nor an IPv6 address in brackets";
		return -EINVAL;
	}
	if (port && number_parse(port, 1, 65535, &number)) {
		*why = "has a port that is not a number from 1 to 65535";
		return -EINVAL;
	}
	c->port = port ? number : 0;
	return 0;
}

int collector_parse(const char *text, struct mirror_collector *c, const char **why)
{
	const struct format *format;
	char word[COLLECTOR_TEXT_LEN], *rest;
	unsigned long weight = 1, id = 0;
	int err;

	*c = (struct mirror_collector){};
	*why = "is longer than a collector can be";
	if (snprintf(word, sizeof(word), "%s", text) >= (int)sizeof(word))
		return -EINVAL;
	rest = strchr(word, ':');
	*why = "is not a collector such as gue:192.0.2.9";
	if (!rest)
		return -EINVAL;
	*rest++ = '\0';
	format = format_find(word);
	*why = "has an unknown format, expected one of " FORMAT_NAMES;
	if (!format)
		return -EINVAL;
	c->format = format->number;
	*why = "has a weight that is not a number from 0 to 1000";
	if (take_number(rest, '@', COLLECTOR_WEIGHT_MAX, &weight) < 0)
		return -EINVAL;
	*why = "has an ID that is not a number";
	if (take_number(rest, '/', 0xffffff, &id) < 0)
		return -EINVAL;
	c->weight = weight;
	c->id = id;
	if (format->carrier == CARRIER_DEVICE) {
		*why = "has a device name that is not 1 to 15 characters long";
		if (!*rest || snprintf(c->device, sizeof(c->device), "%s", rest) >= (int)sizeof(c->device))
			return -EINVAL;
	} else {
		err = parse_address(rest, c, why);
		if (err)
			return err;
	}
	return collector_complete(c, why);
}

void collector_print(const struct mirror_collector *c, char text[COLLECTOR_TEXT_LEN])
{
	char address[INET6_ADDRSTRLEN] = "", port[8] = "", id[12] = "", weight[8] = "";
	const struct format *format = format_of(c->format);

	if (!format) {
		snprintf(text, COLLECTOR_TEXT_LEN, "none");
		return;
	}
	if (c->family)
		inet_ntop(c->family, c->addr, address, sizeof(address));
	if (c->port != format->port)
		snprintf(port, sizeof(port), ":%u", c->port);
	if (c->id)
		snprintf(id, sizeof(id), "/%u", c->id & 0xffffff);
	if (c->weight != 1)
		snprintf(weight, sizeof(weight), "@%u", c->weight % 10000);
	snprintf(text, COLLECTOR_TEXT_LEN, "%s:%s%s%s%s%s%s", format->name, c->family == AF_INET6 ? "[" : "",
		 c->family ? address : c->device, c->family == AF_INET6 ? "]" : "", port, id, weight);
}
