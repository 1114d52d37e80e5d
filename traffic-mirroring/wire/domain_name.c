/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "domain_name.h"

#include <string.h>

#define LABEL_MAX 63

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool is_label(const char *label, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(label[i]) && (label[i] < 'a' || label[i] > 'z') && label[i] != '-' &&
		    label[i] != '_')
			return false;
	return len && len <= LABEL_MAX;
}

static bool is_number(const char *label)
{
	while (is_digit(*label))
		label++;
	return !*label;
}

bool domain_name(const uint8_t *at, size_t len, char name[NAME_SIZE])
{
	char *label = name, *end;

	if (len && at[len - 1] == '.')
		len--;
	if (len >= NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		name[i] = lower(at[i]);
	name[len] = 0;
	while ((end = memchr(label, '.', name + len - label))) {
		if (!is_label(label, end - label))
			return false;
		label = end + 1;
	}
	return is_label(label, name + len - label) && !is_number(label);
}
