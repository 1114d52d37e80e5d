/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Command lines as l3afd and people write them: `COMMAND --key=value`, `--key value`, l3afd's
 * one-word `--key =value`, and flags without a value.
 */
#ifndef L3AF_ARGS_H
#define L3AF_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct arg {
	const char *name; /* without the dashes */
	const char *value; /* name of its value in --help; NULL: a flag */
	const char *help; /* one line */
};

/*
 * Reads argv[1..] by a table of n arguments. values[i] is set to the text given for table[i] ("" for a
 * flag), NULL where it is not given. *word is the first word without dashes, NULL if none;
 * *operand the second, NULL if none (args.c refuses a third).
 * 0, or -EINVAL after one log_error() line that names the word at fault: unknown, twice with different
 * values, without a value, a flag with one.
 */
int args_parse(int argc, char **argv, const struct arg *table, size_t n, const char **values,
	       const char **word, const char **operand);

/* Prints the table, aligned, for --help. */
void args_help(const struct arg *table, size_t n);

#endif
