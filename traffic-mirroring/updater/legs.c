// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "legs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../common/units.h"

#define HEADERS "headers"
#define ZERO "+zero"

static const char *const oversize[] = { "truncate", "drop", "fragment", NULL }; /* enum mirror_oversize */
static const char *const off_on[] = { "off", "on", NULL };
/* NULL: numbers */
static const char *const *const names[LEG_OPTIONS] = { NULL, oversize, off_on, off_on };

static int read_snaplen(const char *text, uint32_t *value)
{
	unsigned long bytes;

	if (number_parse(text, 0, SNAPLEN_MAX, &bytes) || (bytes && bytes < SNAPLEN_MIN))
		return -EINVAL;
	*value = bytes;
	return 0;
}

/* headers, headers+N or headers+zero. */
static int read_headers(const char *text, struct leg_values *values)
{
	const char *more = text + strlen(HEADERS);
	unsigned long bytes = 0;

	if (!strcmp(more, ZERO))
		bytes = SNAPLEN_ZERO;
	else if (*more && (*more != '+' || number_parse(more + 1, 0, SNAPLEN_MAX, &bytes)))
		return -EINVAL;
	*values = (struct leg_values){ 1, { SNAPLEN_HEADERS | bytes } };
	return 0;
}

static void print_snaplen(FILE *to, uint32_t value)
{
	uint32_t bytes = value & ~(SNAPLEN_HEADERS | SNAPLEN_ZERO);

	if (value & SNAPLEN_HEADERS)
		fputs(value & SNAPLEN_ZERO ? HEADERS ZERO : bytes ? HEADERS "+" : HEADERS, to);
	if (bytes || value == 0)
		fprintf(to, "%" PRIu32, bytes);
}

static int read_name(const char *const *of, const char *text, uint32_t *value)
{
	for (*value = 0; of[*value]; ++*value)
		if (!strcmp(of[*value], text))
			return 0;
	return -EINVAL;
}

int legs_read(enum leg_option option, const char *text, struct leg_values *values)
{
	char words[64], *rest = words, *word;
	uint32_t *value;

	*values = (struct leg_values){};
	if (option == LEG_SNAPLEN && !strncmp(text, HEADERS, strlen(HEADERS)))
		return read_headers(text, values);
	if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
		return -EINVAL;
	while ((word = strsep(&rest, "+"))) {
		if (values->n == MIRROR_MAX_LEGS)
			return -EINVAL;
		value = &values->at[values->n++];
		if (names[option] ? read_name(names[option], word, value) : read_snaplen(word, value))
			return -EINVAL;
	}
	return 0;
}

void legs_print(FILE *to, enum leg_option option, const struct leg_values *values)
{
	for (uint32_t i = 0; i < values->n; i++) {
		fputs(i ? "+" : "", to);
		if (names[option])
			fputs(names[option][values->at[i]], to);
		else
			print_snaplen(to, values->at[i]);
	}
}

void legs_shorten(struct leg_values *values)
{
	for (uint32_t i = 1; i < values->n; i++)
		if (values->at[i] != values->at[0])
			return;
	if (values->n)
		*values = (struct leg_values){ 1, { values->at[0] } };
}

uint32_t legs_largest_snaplen(const struct leg_values *values)
{
	uint32_t largest = 0;

	for (uint32_t i = 0; i < values->n; i++) {
		if (!values->at[i])
			return 0;
		largest = values->at[i] > largest ? values->at[i] : largest;
	}
	return largest;
}
