// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The values of options: checked, stored, and what an error says about them. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "log.h"
#include "units.h"

static int parse_signed(const char *text, long min, long max, long *number)
{
	bool negative = *text == '-' && min < 0;
	unsigned long n;

	if (number_parse(text + negative, !negative && min > 0 ? min : 0, negative ? -min : max, &n))
		return -EINVAL;
	*number = negative ? -(long)n : (long)n;
	return 0;
}

static int parse_choice(const char *words, const char *text, long *index)
{
	size_t len = strlen(text);

	for (*index = 0;; (*index)++) {
		size_t n = strcspn(words, "|");

		if (n == len && !memcmp(words, text, len))
			return 0;
		if (!words[n])
			return -EINVAL;
		words += n + 1;
	}
}

static int parse_value(const struct arg *arg, const char *text, long *number)
{
	unsigned long n = 0;
	int err = 0;

	if (arg->also && !strcmp(text, arg->also)) {
		*number = 0;
		return 0;
	}
	switch (arg->type) {
	case TAKES_NOTHING:
		*number = 1;
		return 0;
	case TAKES_TEXT:
		n = strlen(text);
		return arg->max && ((long)n < arg->min || (long)n > arg->max) ? -EINVAL : 0;
	case TAKES_NUMBER:
		return parse_signed(text, arg->min, arg->max, number);
	case TAKES_SIZE:
		err = units_parse(text, units_size, arg->min, arg->max, &n);
		break;
	case TAKES_TIME:
		err = units_parse(text, units_time, arg->min, arg->max, &n);
		break;
	case TAKES_CHOICE:
		return parse_choice(arg->value, text, number);
	}
	*number = (long)n;
	return err;
}

static void put(const struct arg *arg, const char *text, long number, void *to)
{
	if (arg->type == TAKES_TEXT)
		*(const char **)to = text;
	else if (arg->size == sizeof(uint8_t))
		*(uint8_t *)to = number;
	else if (arg->size == sizeof(uint16_t))
		*(uint16_t *)to = number;
	else if (arg->size == sizeof(uint32_t))
		*(uint32_t *)to = number;
	else
		*(uint64_t *)to = number;
}

/* 0; -EINVAL: not what is expected; else after log_error(). */
static int read_value(const struct arg *arg, const char *text, void *to)
{
	long number = 0;
	int err = parse_value(arg, text, &number);

	if (err)
		return err;
	if (arg->read)
		return arg->read(text, to);
	if (arg->size)
		put(arg, text, number, to);
	return 0;
}

/* "a, b or c" of "a|b|c" */
static void print_choice(const char *words, FILE *to)
{
	for (;;) {
		size_t n = strcspn(words, "|");

		fprintf(to, "%.*s", (int)n, words);
		if (!words[n])
			return;
		words += n + 1;
		fputs(strchr(words, '|') ? ", " : " or ", to);
	}
}

static void print_range(const struct arg *arg, const struct unit *units, FILE *to)
{
	char min[UNITS_LEN], max[UNITS_LEN];

	units_print(arg->min, units, min);
	units_print(arg->max, units, max);
	fprintf(to, "a %s from %s to %s", units == units_size ? "size" : "time", min, max);
}

static void print_expected(const struct arg *arg, FILE *to)
{
	if (arg->expects)
		fputs(arg->expects, to);
	else if (arg->type == TAKES_TEXT)
		fprintf(to, "%ld to %ld characters", arg->min, arg->max);
	else if (arg->type == TAKES_NUMBER)
		fprintf(to, "a number from %ld to %ld", arg->min, arg->max);
	else if (arg->type == TAKES_CHOICE)
		print_choice(arg->value, to);
	else
		print_range(arg, arg->type == TAKES_SIZE ? units_size : units_time, to);
	if (arg->also)
		fprintf(to, ", or %s", arg->also);
}

static void complain(const struct arg *arg, const char *got)
{
	char expected[256] = "";
	FILE *to = fmemopen(expected, sizeof(expected), "w");

	if (to) {
		print_expected(arg, to);
		fclose(to);
	}
	log_error("--%s: expected %s, got \"%s\"", arg->name, expected, log_quote(got).text);
}

static int read_or_complain(const struct arg *arg, const char *text, void *options)
{
	int err = read_value(arg, text, (char *)options + arg->offset);

	if (err == -EINVAL)
		complain(arg, text);
	return err;
}

int args_read(const struct arg *arg, const char *text, void *options)
{
	char *words, *rest, *word;
	int err = 0;

	if (arg->may_be_empty && !*text)
		return 0;
	if (!arg->list)
		return read_or_complain(arg, text, options);
	words = rest = strdup(text);
	if (!words) {
		log_error("--%s: no memory", arg->name);
		return -ENOMEM;
	}
	while (!err && (word = strsep(&rest, ",")))
		err = read_or_complain(arg, word, options);
	free(words);
	return err;
}
