// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define OWN_OPTIONS 2 /* that args_option() adds to the program's */

static const struct arg option_cmd = { "cmd", "COMMAND", "run this command, as l3afd names it", ARGS_TEXT };
static const struct arg option_help = { "help", NULL, "print this help", ARGS_FLAG, .letter = 'h' };
static const struct arg option_version = { "version", NULL, "print the version", ARGS_FLAG, .letter = 'V' };
static const struct args_command command_version = { "version", NULL, "print the version" };

/* A command line that is being read. */
struct parser {
	const struct args_program *program;
	void *options;
	const char **text; /* of each args_option() */
	const char *word, *operand;
};

const struct arg *args_option(const struct args_program *program, size_t i)
{
	const struct arg *const own[OWN_OPTIONS] = {
		program->commands ? &option_cmd : &option_version,
		&option_help,
	};

	if (i < program->n_options)
		return &program->options[i];
	i -= program->n_options;
	return i < OWN_OPTIONS ? own[i] : NULL;
}

const struct args_command *args_command(const struct args_program *program, size_t i)
{
	if (i < program->n_commands)
		return (const void *)((const char *)program->commands + i * program->command_size);
	return program->commands && i == program->n_commands ? &command_version : NULL;
}

/* By its name or, where letter is not 0, by that. */
static const struct arg *find(const struct parser *p, const char *name, size_t len, char letter, size_t *i)
{
	const struct arg *arg;

	for (*i = 0; (arg = args_option(p->program, *i)); (*i)++)
		if (letter ? arg->letter == letter :
			     strlen(arg->name) == len && !memcmp(arg->name, name, len))
			return arg;
	return NULL;
}

/* Takes the value of the i-th option; "" of a flag. */
static int take(const struct parser *p, const struct arg *arg, size_t i, const char *value)
{
	const char *before = p->text[i];

	if (arg->type == TAKES_NOTHING && *value) { /* "--flag=" is how l3afd gives a flag */
		log_error("--%s: expected no value, got \"%s\"", arg->name, log_quote(value).text);
		return -EINVAL;
	}
	if (before && !arg->repeats && strcmp(before, value)) {
		log_error("--%s: expected one value, got \"%s\" and \"%s\"", arg->name,
			  log_quote(before).text, log_quote(value).text);
		return -EINVAL;
	}
	p->text[i] = value;
	if (before && !arg->repeats) /* the same again */
		return 0;
	return args_read(arg, value, p->options);
}

/* Reads the option argv[0]; returns how many words it took, or -EINVAL. */
static int option(const struct parser *p, char **argv)
{
	bool is_long = argv[0][1] == '-';
	const char *name = argv[0] + 1 + is_long, *value = is_long ? strchr(name, '=') : NULL;
	size_t len = value ? (size_t)(value - name) : strlen(name), i;
	const struct arg *arg;
	int words = 1;

	while (value && len && name[len - 1] == ' ') /* l3afd's "--key =value" */
		len--;
	arg = find(p, name, len, is_long ? 0 : *name, &i);
	if (!arg || (!is_long && arg->type == TAKES_NOTHING && name[1])) {
		log_error("unknown option \"%s\"", log_quote_bytes(argv[0], name - argv[0] + len).text);
		return -EINVAL;
	}
	if (value) {
		value++;
	} else if (!is_long && name[1]) { /* -lVALUE */
		value = name + 1;
	} else if (arg->type == TAKES_NOTHING) {
		value = "";
	} else if (argv[1] && strncmp(argv[1], "--", 2)) {
		value = argv[1];
		words = 2;
	} else {
		log_error("--%s: expected %s, got nothing", arg->name, arg->value);
		return -EINVAL;
	}
	return take(p, arg, i, value) ? -EINVAL : words;
}

static int words_and_options(struct parser *p, char **argv)
{
	while (*argv) {
		if (argv[0][0] == '-' && argv[0][1]) {
			int words = option(p, argv);

			if (words < 0)
				return words;
			argv += words;
			continue;
		}
		if (!p->program->commands || p->operand) {
			log_error("unexpected word \"%s\"", log_quote(*argv).text);
			return -EINVAL;
		}
		*(p->word ? &p->operand : &p->word) = *argv++;
	}
	return 0;
}

/* The command that the word or --cmd names. */
static int command(const struct parser *p, struct args_command_line *line)
{
	const char *option = p->text[p->program->n_options]; /* --cmd */
	const char *name = p->word ? p->word : option ? option : p->program->command;
	const struct args_command *c;

	if (p->word && option && strcmp(p->word, option)) {
		log_error("--cmd: expected one command, got \"%s\" and \"%s\"", log_quote(p->word).text,
			  log_quote(option).text);
		return -EINVAL;
	}
	if (!name) {
		log_error("expected a command, got nothing; --help lists all");
		return -EINVAL;
	}
	*line = (struct args_command_line){ .operand = p->operand, .as_option = !p->word };
	while ((c = args_command(p->program, line->command)) && strcmp(c->name, name))
		line->command++;
	if (!c) {
		log_error("unknown command \"%s\"; --help lists all", log_quote(name).text);
		return -EINVAL;
	}
	if (p->operand && !c->operand) {
		log_error("%s: unexpected word \"%s\"", name, log_quote(p->operand).text);
		return -EINVAL;
	}
	if (!p->operand && c->operand) {
		log_error("%s: expected %s, got nothing", name, c->operand);
		return -EINVAL;
	}
	return 0;
}

int args_parse(int argc, char **argv, const struct args_program *program, void *options, const char **given,
	       struct args_command_line *line)
{
	const char *text[program->n_options + OWN_OPTIONS];
	struct parser p = { .program = program, .options = options, .text = text };
	bool wants_version;

	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < program->n_options; i++)
		if (program->options[i].preset &&
		    args_read(&program->options[i], program->options[i].preset, options))
			return ARGS_USAGE;
	if (argc && words_and_options(&p, argv + 1))
		return ARGS_USAGE;
	memcpy(given, text, program->n_options * sizeof(*given));
	if (text[program->n_options + 1]) { /* --help */
		args_help(program);
		return 0;
	}
	if (program->commands) {
		if (command(&p, line))
			return ARGS_USAGE;
		wants_version = line->command == program->n_commands;
	} else {
		wants_version = text[program->n_options]; /* --version */
	}
	if (!wants_version)
		return -1;
	printf("%s %s\n", program->name, ARGS_TEXT_OF(PROJECT_VERSION));
	return 0;
}
