/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "listen.h"

#include <errno.h>
#include <string.h>

#include "../../common/units.h"
#include "../wire/formats.h"

#define WORD_MAX 64

/* Copies the text up to `end` to word. 0 or -EINVAL: it is empty or too long. */
static int copy_word(const char *text, const char *end, char *word, size_t size)
{
	size_t len = end - text;

	if (!len || len >= size)
		return -EINVAL;
	memcpy(word, text, len);
	word[len] = '\0';
	return 0;
}

/* ADDRESS or ADDRESS%DEVICE, of IPv6. */
static int parse_ipv6(const char *text, const char *end, struct listen *l)
{
	const char *percent = memchr(text, '%', end - text);
	char word[WORD_MAX];

	if (copy_word(text, percent ?: end, word, sizeof(word)) || address_parse(word, &l->address) ||
	    l->address.family != AF_INET6)
		return -EINVAL;
	return percent ? copy_word(percent + 1, end, l->device, sizeof(l->device)) : 0;
}

/* ADDRESS or DEVICE. Returns what follows it, or NULL: it is neither. */
static const char *parse_place(const char *text, struct listen *l)
{
	bool only_device = l->format->carrier == CARRIER_DEVICE, brackets = *text == '[' && !only_device;
	const char *end = brackets ? strchr(text, ']') : strchrnul(text, ':');
	char word[WORD_MAX];

	if (!end)
		return NULL;
	if (brackets)
		return parse_ipv6(text + 1, end, l) ? NULL : end + 1;
	if (copy_word(text, end, word, sizeof(word)))
		return NULL;
	if (!only_device && !address_parse(word, &l->address))
		return end;
	/* a wrong port or address is not a device's name, which could be like that */
	if (!only_device && !word[strspn(word, "0123456789.")])
		return NULL;
	return copy_word(text, end, l->device, sizeof(l->device)) ? NULL : end;
}

static int parse_port(const char *text, struct listen *l)
{
	unsigned long port;

	if (!l->format->port || number_parse(text, 1, 65535, &port))
		return -EINVAL;
	l->port = port;
	return 0;
}

int listen_parse(const char *text, struct listen *l)
{
	const char *rest = strchrnul(text, ':');
	char name[WORD_MAX];

	*l = (struct listen){ .text = text };
	if (copy_word(text, rest, name, sizeof(name)))
		return -EINVAL;
	l->format = format_find(name);
	if (!l->format)
		return -EINVAL;
	l->port = l->format->port;
	if (!*rest)
		return l->format->carrier == CARRIER_DEVICE ? -EINVAL : 0;
	if (!parse_port(rest + 1, l))
		return 0;
	rest = parse_place(rest + 1, l);
	if (!rest || (*rest && *rest != ':'))
		return -EINVAL;
	return *rest ? parse_port(rest + 1, l) : 0;
}
