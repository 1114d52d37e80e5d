// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/units.h"
#include "../host/collector.h"

struct option {
	/* to: the option's member of struct delivery. 0, or -EINVAL: the text is not what is expected. */
	int (*read)(const struct option *o, const char *text, void *to);
	const char *expected; /* NULL: numbers and words tell it themselves */
	bool list; /* read gets each word between commas */
	unsigned long min, max;
	bool or_zero;
	const char *const *words; /* the last one is NULL */
	size_t offset, size;
};

static int read_device(const struct option *o, const char *text, void *to)
{
	size_t len = strlen(text);

	if (!len || len >= o->size)
		return -EINVAL;
	memcpy(to, text, len + 1);
	return 0;
}

static int read_format(const struct option *o, const char *text, void *to)
{
	const struct format *format = format_find(text);

	(void)o;
	if (!format)
		return -EINVAL;
	*(uint32_t *)to = format->number;
	return 0;
}

static int read_address(const struct option *o, const char *text, void *to)
{
	(void)o;
	return address_parse(text, to);
}

static int read_number(const struct option *o, const char *text, void *to)
{
	bool zero = o->or_zero && !strcmp(text, "0");
	unsigned long number = 0;

	if (!zero && number_parse(text, o->min, o->max, &number))
		return -EINVAL;
	*(uint32_t *)to = number;
	return 0;
}

static int read_choice(const struct option *o, const char *text, void *to)
{
	for (uint32_t i = 0; o->words[i]; i++) {
		if (!strcmp(text, o->words[i])) {
			*(uint32_t *)to = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ADDRESS or [ADDRESS], and @WEIGHT. */
static int read_collector(const struct option *o, const char *text, void *to)
{
	struct delivery_collectors *collectors = to;
	size_t len = strcspn(text, "@");
	unsigned long weight = 1;
	char address[INET6_ADDRSTRLEN];

	(void)o;
	if (collectors->n == MIRROR_MAX_COLLECTORS)
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
	return address_parse(address, &collectors->at[collectors->n++].address);
}

#define TEXT(number) TEXT_(number)
#define TEXT_(number) #number
#define TO(member) .offset = offsetof(struct delivery, member), .size = sizeof(((struct delivery *)0)->member)
#define DEVICE(member) .read = read_device, .expected = "a device name of 1 to 15 characters", TO(member)
#define FORMAT(member) \
	.read = read_format, .expected = "one of " FORMAT_NAMES, TO(member)
#define ADDRESS(member) .read = read_address, .expected = "an IPv4 or IPv6 address", TO(member)
#define NUMBER(from, to, member) .read = read_number, .min = (from), .max = (to), TO(member)
#define CHOICE(member, ...) \
	.read = read_choice, .words = (const char *const[]){ __VA_ARGS__, NULL }, TO(member)
#define COLLECTORS(member)                                                                                \
	.read = read_collector, .list = true,                                                             \
	.expected = "up to " TEXT(MIRROR_MAX_COLLECTORS) " IPv4 or IPv6 addresses, each alone or with "   \
							 "@WEIGHT from 0 to " TEXT(COLLECTOR_WEIGHT_MAX), \
	TO(member)

#define READING_(value, help, ...) \
	{                          \
		__VA_ARGS__        \
	}
#define READING(...) READING_(__VA_ARGS__)
#define ROW(ID, name) [OPT_##ID] = READING(DELIVERY_##ID),
#define NAME(ID, name) [OPT_##ID] = name,

static const struct option options[OPT_COUNT] = { MIRROR_OPTIONS(ROW) };
const char *const delivery_option_names[OPT_COUNT] = { MIRROR_OPTIONS(NAME) };

static void complain(enum mirror_option option, const char *got)
{
	const struct option *o = &options[option];
	char expected[128] = "";
	size_t at = 0;

	if (o->expected)
		snprintf(expected, sizeof(expected), "%s", o->expected);
	else if (!o->words)
		snprintf(expected, sizeof(expected), "a number from %lu to %lu%s", o->min, o->max,
			 o->or_zero ? ", or 0" : "");
	for (size_t i = 0; o->words && o->words[i]; i++) {
		const char *before = o->words[i + 1] ? ", " : " or ";

		at += snprintf(expected + at, sizeof(expected) - at, "%s%s", i ? before : "", o->words[i]);
	}
	log_error("--%s: expected %s, got \"%s\"", delivery_option_names[option], expected, got);
}

int delivery_parse_option(enum mirror_option option, const char *text, struct delivery *d)
{
	const struct option *o = &options[option];
	char copy[MIRROR_OPTION_LEN], *rest = copy, *word;
	int err = 0;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
		log_error("--%s: expected up to %d characters, got %zu", delivery_option_names[option],
			  MIRROR_OPTION_LEN - 1, strlen(text));
		return -EINVAL;
	}
	while (!err && (word = strsep(&rest, o->list ? "," : ""))) {
		err = o->read(o, word, (char *)d + o->offset);
		if (err)
			complain(option, word);
	}
	return err;
}

void delivery_parse(const struct mirror_options *texts, struct delivery *d)
{
	const struct delivery nothing = {};

	*d = nothing;
	for (int option = OPT_FILTERS + 1; option < OPT_COUNT; option++)
		if (texts->text[option][0] && delivery_parse_option(option, texts->text[option], d))
			delivery_copy_option(option, d, &nothing);
}

void delivery_copy_option(enum mirror_option option, struct delivery *to, const struct delivery *from)
{
	const struct option *o = &options[option];

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
