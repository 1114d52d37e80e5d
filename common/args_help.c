// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* --help: commands and options, aligned. ci/man-options and ci/completion read it. */
#include <stdio.h>
#include <string.h>

#include "args.h"

#define LEFT_MAX 34 /* the help of an option that is longer stands in a line of its own */

static int width_of(const char *name, const char *value)
{
	return strlen(name) + (value ? 1 + strlen(value) : 0);
}

static void print_commands(const struct args_program *program)
{
	const struct args_command *c;
	int width = 0;

	for (size_t i = 0; (c = args_command(program, i)); i++)
		if (width_of(c->name, c->operand) > width)
			width = width_of(c->name, c->operand);
	printf("\nCommands:\n");
	for (size_t i = 0; (c = args_command(program, i)); i++)
		printf("  %s%s%s%*s  %s\n", c->name, c->operand ? " " : "", c->operand ? c->operand : "",
		       width - width_of(c->name, c->operand), "", c->help);
}

static void print_option(const struct arg *arg, int width)
{
	char letter[] = { '-', arg->letter, ',', ' ', '\0' };
	int left = width_of(arg->name, arg->value);

	if (arg->section)
		printf("\n%s:\n", arg->section);
	printf("  %s--%s%s%s", arg->letter ? letter : "    ", arg->name, arg->value ? "=" : "",
	       arg->value ? arg->value : "");
	if (left > width)
		printf("\n%*s", width + 10, "");
	else
		printf("%*s", width - left + 2, "");
	printf("%s\n", arg->help);
}

static bool has(const struct args_program *program, enum args_type type)
{
	const struct arg *arg;

	for (size_t i = 0; (arg = args_option(program, i)); i++)
		if (arg->type == type)
			return true;
	return false;
}

void args_help(const struct args_program *program)
{
	const struct arg *arg;
	int width = 0;

	printf("usage: %s %s\n%s\n", program->name, program->usage, program->summary);
	if (program->commands)
		print_commands(program);
	for (size_t i = 0; (arg = args_option(program, i)); i++) {
		int left = width_of(arg->name, arg->value);

		if (left > width && left <= LEFT_MAX)
			width = left;
	}
	for (size_t i = 0; (arg = args_option(program, i)); i++)
		print_option(arg, width);
	if (has(program, TAKES_SIZE))
		printf("\nSIZE is a number of bytes, or ends with K, M, G or T.\n");
	if (has(program, TAKES_TIME))
		printf("TIME is a number of seconds, or ends with s, m, h or d.\n");
}
