// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "../../common/units.h"
#include "../host/collector.h"

#define TO(member) ARGS_STORE(struct delivery, member)
#define ROW(ID, name) [OPT_##ID] = { name, DELIVERY_##ID },
#define NAME(ID, name) [OPT_##ID] = name,

static const struct arg options[OPT_COUNT] = { MIRROR_OPTIONS(ROW) };
const char *const delivery_option_names[OPT_COUNT] = { MIRROR_OPTIONS(NAME) };

int delivery_read_device(const char *text, void *to)
{
	size_t len = strlen(text);

	if (!len || len >= MIRROR_NAME_LEN)
		return -EINVAL;
	memcpy(to, text, len + 1);
	return 0;
}

int delivery_read_format(const char *text, void *to)
{
	*(uint32_t *)to = format_find(text)->number; /* one of FORMAT_CHOICES */
	return 0;
}

int delivery_read_address(const char *text, void *to)
{
	return address_parse(text, to);
}

/* ADDRESS or [ADDRESS], and @WEIGHT. */
static int read_collector(const char *text, uint32_t leg, struct delivery_collectors *collectors)
{
	size_t len = strcspn(text, "@");
	unsigned long weight = 1;
	char address[INET6_ADDRSTRLEN];

	if (collectors->n == MIRROR_MAX_COLLECTORS || leg == MIRROR_MAX_LEGS)
		return -EINVAL;
	if (text[len] && number_parse(text + len + 1, 0, COLLECTOR_WEIGHT_MAX, &weight))
		return -EINVAL;
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	collectors->at[collectors->n].weight = weight;
	collectors->at[collectors->n].leg = leg;
	return address_parse(address, &collectors->at[collectors->n++].address);
}

/* What stands between two commas: one collector, or the last one of a leg and the first one of the next. */
int delivery_read_collector(const char *text, void *to)
{
	struct delivery_collectors *collectors = to;
	uint32_t leg = collectors->n ? collectors->at[collectors->n - 1].leg : 0;
	char *words = strdup(text), *rest = words, *word;
	int err = words ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, "+")))
		err = read_collector(word, leg++, collectors);
	free(words);
	return err;
}

int delivery_read_snaplen(const char *text, void *to)
{
	return legs_read(LEG_SNAPLEN, text, to);
}

int delivery_read_oversize(const char *text, void *to)
{
	return legs_read(LEG_OVERSIZE, text, to);
}

int delivery_read_metadata(const char *text, void *to)
{
	return legs_read(LEG_METADATA, text, to);
}

int delivery_read_segment(const char *text, void *to)
{
	return legs_read(LEG_SEGMENT, text, to);
}

int delivery_read_first(const char *text, void *to)
{
	return first_parse(text, to);
}

void delivery_parse(const struct mirror_options *texts, struct delivery *d)
{
	const struct delivery nothing = {};

	*d = nothing;
	for (int option = OPT_FILTERS + 1; option < OPT_COUNT; option++)
		if (texts->text[option][0] && args_read(&options[option], texts->text[option], d))
			delivery_copy_option(option, d, &nothing);
}

void delivery_copy_option(enum mirror_option option, struct delivery *to, const struct delivery *from)
{
	const struct arg *o = &options[option];

	memcpy((char *)to + o->offset, (const char *)from + o->offset, o->size);
}

int delivery_check_local_address(const struct delivery *d)
{
	const struct address *local = &d->local_address;
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	char text[INET6_ADDRSTRLEN];
	int fd, err = 0;

	if (!local->family)
		return 0;
	memcpy(&four.sin_addr, local->bytes, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, local->bytes, sizeof(six.sin6_addr));
	fd = socket(local->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || (local->family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof(four)) :
						  bind(fd, (struct sockaddr *)&six, sizeof(six)))) {
		err = -errno;
		inet_ntop(local->family, local->bytes, text, sizeof(text));
		log_error("--%s: expected an address of this host, got \"%s\"",
			  delivery_option_names[OPT_TUNNEL_LOCAL_ADDRESS], text);
	}
	if (fd >= 0)
		close(fd);
	return err;
}
