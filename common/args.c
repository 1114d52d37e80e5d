// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static const struct arg *find(const struct arg *table, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return &table[i];
	return NULL;
}

/* Reads the option argv[i]; returns how many words it took, or -EINVAL. */
static int option(char **argv, int left, const struct arg *table, size_t n, const char **values)
{
	const char *name = argv[0] + 2;
	const char *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct arg *arg;
	const char **slot;
	int words = 1;

	while (value && len && name[len - 1] == ' ') /* l3afd's "--key =value" */
		len--;
	arg = find(table, n, name, len);
	if (!arg) {
		log_error("unknown option '--%.*s'", (int)len, name);
		return -EINVAL;
	}

	if (value) {
		value++;
	} else if (!arg->value) {
		value = "";
	} else if (left > 1 && strncmp(argv[1], "--", 2)) {
		value = argv[1];
		words = 2;
	} else {
		log_error("option '--%s' needs a value", arg->name);
		return -EINVAL;
	}
	if (!arg->value && *value) { /* "--flag=" is how l3afd gives a flag */
		log_error("option '--%s' takes no value, '%s' given", arg->name, value);
		return -EINVAL;
	}

	slot = &values[arg - table];
	if (*slot && strcmp(*slot, value)) {
		log_error("option '--%s' is given twice, as '%s' and '%s'", arg->name, *slot, value);
		return -EINVAL;
	}
	*slot = value;
	return words;
}

int args_parse(int argc, char **argv, const struct arg *table, size_t n, const char **values,
	       const char **word, const char **operand)
{
	*word = *operand = NULL;
	for (size_t i = 0; i < n; i++)
		values[i] = NULL;

	for (int i = 1; i < argc;) {
		if (!strncmp(argv[i], "--", 2)) {
			int words = option(argv + i, argc - i, table, n, values);

			if (words < 0)
				return words;
			i += words;
			continue;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			log_error("unknown option '%s'", argv[i]);
			return -EINVAL;
		}
		if (*operand) {
			log_error("unexpected word '%s'", argv[i]);
			return -EINVAL;
		}
		*(*word ? operand : word) = argv[i++];
	}
	return 0;
}

static int column(const struct arg *arg)
{
	return strlen(arg->name) + (arg->value ? 1 + strlen(arg->value) : 0);
}

void args_help(const struct arg *table, size_t n)
{
	int width = 0;

	for (size_t i = 0; i < n; i++)
		if (column(&table[i]) > width)
			width = column(&table[i]);
	for (size_t i = 0; i < n; i++) {
		const char *value = table[i].value;

		printf("  --%s%s%s%*s  %s\n", table[i].name, value ? "=" : "", value ? value : "",
		       width - column(&table[i]), "", table[i].help);
	}
}
