/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "rules.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "../../common/log.h"
#include "../../common/units.h"

static const struct scheme {
	const char *prefix;
	uint16_t port; /* where none is given; 0: one must be */
	bool tls;
} schemes[] = { { "http://", 80, false }, { "https://", 443, true } }, no_scheme = { "", 0, false };

/* The address of target->name. */
static int look_up(unsigned long port, struct replay_target *target)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char service[8];
	int err;

	snprintf(service, sizeof(service), "%lu", port);
	err = getaddrinfo(target->name, service, &hints, &found);
	if (err) {
		log_error("cannot find the address of \"%s\": %s", target->name, gai_strerror(err));
		return -ENOENT;
	}
	memcpy(&target->address, found->ai_addr, found->ai_addrlen);
	target->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

/* "name[:port]" or "[address][:port]" */
static int read_host(const char *text, unsigned long port, struct replay_target *target)
{
	const char *begin = text + (*text == '[');
	const char *end = begin + strcspn(begin, *text == '[' ? "]" : ":"), *colon = end + (*end == ']');

	if (begin == end || (*text == '[') != (*end == ']') || strpbrk(text, "/@?# "))
		return -EINVAL;
	if (*colon ? *colon != ':' || number_parse(colon + 1, 1, 65535, &port) : !port)
		return -EINVAL;
	snprintf(target->host, sizeof(target->host), "%s", text);
	snprintf(target->name, sizeof(target->name), "%.*s", (int)(end - begin), begin);
	return look_up(port, target);
}

static const struct scheme *scheme_of(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (len > strlen(schemes[i].prefix) &&
		    !memcmp(text, schemes[i].prefix, strlen(schemes[i].prefix)))
			return &schemes[i];
	return NULL;
}

/* A URL, with or without a slash at its end, or HOST:PORT. */
static int read_target(const char *text, size_t len, bool tcp, struct replay_target *target)
{
	const struct scheme *scheme = tcp ? &no_scheme : scheme_of(text, len);
	char host[REPLAY_HOST_MAX];

	if (!scheme)
		return -EINVAL;
	len -= !tcp && text[len - 1] == '/';
	text += strlen(scheme->prefix);
	len -= strlen(scheme->prefix);
	if (len >= sizeof(host))
		return -EINVAL;
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	target->tls = scheme->tls;
	return read_host(host, scheme->port, target);
}

static int read_targets(const char *text, struct replay_options *o, struct replay_rule *rule)
{
	size_t len;
	int err = 0;

	for (rule->groups = 1; !err; text += len + 1) {
		struct replay_target *target = &o->target[o->targets];

		len = strcspn(text, ",+");
		if (o->targets == REPLAY_TARGETS_MAX || rule->groups > FLOW_COPIES_MAX)
			return -EINVAL;
		*target = (struct replay_target){ .rule = o->rules, .group = rule->groups - 1 };
		err = read_target(text, len, rule->tcp, target);
		o->targets += !err;
		rule->targets++;
		if (!text[len])
			break;
		rule->groups += text[len] == '+';
	}
	return err;
}

static int read_port(const char *text, size_t len, const struct replay_options *o, struct replay_rule *rule)
{
	unsigned long port;
	char number[8];

	if (len >= sizeof(number))
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)len, text);
	if (number_parse(number, 1, 65535, &port))
		return -EINVAL;
	for (uint32_t i = 0; i < o->rules; i++)
		if (o->rule[i].port == port)
			return -EINVAL;
	rule->port = port;
	return 0;
}

int rules_read(const char *text, bool tcp, struct replay_options *o)
{
	const char *equals = strchr(text, '=');
	struct replay_rule rule = { .tcp = tcp, .first = o->targets };
	int err;

	if (!equals || o->rules == REPLAY_RULES_MAX)
		return -EINVAL;
	err = read_port(text, equals - text, o, &rule) ?: read_targets(equals + 1, o, &rule);
	if (!err)
		o->rule[o->rules++] = rule;
	return err;
}
