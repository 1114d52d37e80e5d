/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Command lines, by a table of typed options: `COMMAND --name=VALUE`, `--name VALUE`, l3afd's one-word
 * `--name =VALUE` and `--flag=`, and a letter for some: `-l VALUE`, `-lVALUE`. The table is also the source
 * of --help, and with it of the man page's list of options (ci/man-options) and of the shell's completion
 * (ci/completion).
 *
 * Every program has --help; one with commands has --cmd=COMMAND (as l3afd names it) and the command
 * `version`, one without has --version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ARGS_USAGE 2 /* exit status where the command line is wrong */

enum args_type { TAKES_NOTHING, TAKES_TEXT, TAKES_NUMBER, TAKES_SIZE, TAKES_TIME, TAKES_CHOICE };

struct arg {
	const char *name; /* without the dashes */
	const char *value; /* its value's name in --help; of a choice: the words, "a|b|c"; NULL: a flag */
	const char *help; /* a verb phrase or a noun phrase in one line, the default last in parentheses */
	char letter; /* 0: none */
	const char *section; /* heading above it in --help; NULL: it is in the section of the one before */

	/* these by the macros below */
	enum args_type type;
	long min, max; /* of the number, bytes or seconds; of a text: its length, max 0: any */
	const char *also; /* a word that is accepted, too; it stands for 0 */
	size_t offset, size; /* the place of the value in the program's options; size 0: nowhere */
	const char *preset; /* a value to begin with */

	/*
	 * Stores the text, if it is of the type, at its place, which is the whole of the options where size
	 * is 0. 0; -EINVAL: not what `expects` says; else: after log_error().
	 */
	int (*read)(const char *text, void *to);
	const char *expects; /* in place of what the type says */
	bool list; /* read gets each of the words between commas */
	bool may_be_empty; /* "" is accepted, too, and stores nothing */
	bool repeats; /* may be given several times, for read */
};

/* The text of a number, for expects. */
#define ARGS_TEXT_OF(number) ARGS_TEXT_OF_(number)
#define ARGS_TEXT_OF_(number) #number

#define ARGS_FLAG .type = TAKES_NOTHING
#define ARGS_TEXT .type = TAKES_TEXT
#define ARGS_LENGTH(from, to) .type = TAKES_TEXT, .min = (from), .max = (to)
#define ARGS_NUMBER(from, to) .type = TAKES_NUMBER, .min = (from), .max = (to)
#define ARGS_SIZE(from, to) .type = TAKES_SIZE, .min = (from), .max = (to)
#define ARGS_TIME(from, to) .type = TAKES_TIME, .min = (from), .max = (to)
#define ARGS_CHOICE .type = TAKES_CHOICE /* stored as the word's index */
#define ARGS_READ(by, expected) .type = TAKES_TEXT, .read = (by), .expects = (expected)
/* A text goes to a `const char *`, a flag to a bool, all others to an integer. */
#define ARGS_STORE(of, member) .offset = offsetof(of, member), .size = sizeof(((of *)0)->member)

struct args_command {
	const char *name;
	const char *operand; /* the name of the word after it in --help; NULL: it takes none */
	const char *help;
};

struct args_program {
	const char *name;
	const char *usage; /* what comes after the name */
	const char *summary; /* one line */
	const struct arg *options;
	size_t n_options;
	/*
	 * Each command begins with a struct args_command, command_size bytes after the one before. NULL:
	 * none.
	 */
	const struct args_command *commands;
	size_t n_commands, command_size;
	const char *command; /* where none is named; NULL: one must be */
};

struct args_command_line {
	size_t command; /* its index */
	const char *operand; /* NULL: none */
	bool as_option; /* the command is not a word */
};

/*
 * Stores the presets and what argv[1..] says in options, given[i] the text of the i-th option ("" for a
 * flag), NULL where it is not given, and line, which is NULL for a program without commands. -1: go on. Else
 * the status to exit with: 0 where help or the version was asked for and printed, ARGS_USAGE after one
 * log_error() line that names the fault.
 */
int args_parse(int argc, char **argv, const struct args_program *program, void *options, const char **given,
	       struct args_command_line *line);

/* Checks a value and stores it. 0, or a negative errno after log_error(). */
int args_read(const struct arg *arg, const char *text, void *options);

/* The i-th option, first the program's, then those of every program; NULL: there are no more. */
const struct arg *args_option(const struct args_program *program, size_t i);
const struct args_command *args_command(const struct args_program *program, size_t i);

void args_help(const struct args_program *program);
