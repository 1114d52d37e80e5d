// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tc_root: the root programs of an interface, on hosts without l3afd. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../common/args.h"
#include "../common/error_text.h"
#include "../common/lock.h"
#include "../common/log.h"
#include "../common/pins.h"
#include "root.h"

enum { IFACE, VERSION, FORCE, QUIET, OPTIONS };

static const struct arg options[OPTIONS] = {
	[IFACE] = { "iface", "IF", "act on this interface", ARGS_TEXT, .section = "Options" },
	[VERSION] = { "version", "V", "pin as version V of the package tc-root (flat layout)",
		      ARGS_READ(pins_read_version, "a version") },
	[FORCE] = { "force", NULL, "stop: remove what others use, too", ARGS_FLAG },
	[QUIET] = { "quiet", NULL, "print errors only", ARGS_FLAG },
};

static const struct command {
	struct args_command is;
	int (*run)(const struct root_target *target);
	bool changes; /* things on bpffs, so one at a time */
	bool without_iface; /* the interface may be gone */
} commands[] = {
	{ { "start", NULL, "attach both root programs; repair what is missing" },
	  .run = root_start,
	  .changes = true },
	{ { "stop", NULL, "remove the root programs, their pins, and what a killed l3afd left" },
	  .run = root_stop,
	  .changes = true,
	  .without_iface = true },
	{ { "status", NULL, "print the chain of programs of both directions" }, .run = root_status },
};

static const struct args_program program = {
	.name = "tc_root",
	.usage = "COMMAND --iface=IF [OPTION]...",
	.summary = "Attaches root programs for chains of TC programs to an interface.",
	.options = options,
	.n_options = OPTIONS,
	.commands = &commands[0].is,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
	.command_size = sizeof(commands[0]),
};

/* What the command works on. 0, a negative errno, or ARGS_USAGE: the options do not say it. */
static int find_target(struct root_target *target, const struct command *command, const char **values)
{
	struct pins pins;
	int err;

	if (!values[IFACE]) {
		log_error("--iface is missing");
		return ARGS_USAGE;
	}
	target->version = values[VERSION];
	target->force = values[FORCE];
	err = netlink_link(values[IFACE], &target->link);
	if (err == -ENODEV && command->without_iface && !pins_of(&pins, values[IFACE], NULL, NULL) &&
	    (!access(pins.maps, F_OK) || !access(pins.progs, F_OK))) {
		/* no device, but pins of one that had this name */
		snprintf(target->link.name, sizeof(target->link.name), "%s", values[IFACE]);
		err = 0;
	}
	if (err == -ENODEV)
		log_error("--iface: there is no interface \"%s\"", log_quote(values[IFACE]).text);
	else if (err)
		log_error("--iface %s: %s", values[IFACE], error_text(err));
	return err;
}

/* One tc_root at a time. The kernel releases the lock when the process ends. */
static int lock_bpffs(void)
{
	if (!pins_on_bpffs(BPFFS)) {
		log_error("no bpffs is mounted at " BPFFS);
		return -ENOENT;
	}
	return lock_directory(BPFFS);
}

int main(int argc, char **argv)
{
	struct root_target target = { 0 };
	struct args_command_line line;
	const struct command *command;
	const char *given[OPTIONS];
	int status, err;

	log_init(program.name, LEVEL_WARN, NULL);
	status = args_parse(argc, argv, &program, NULL, given, &line);
	if (status >= 0)
		return status;
	command = &commands[line.command];
	err = find_target(&target, command, given);
	if (err)
		return err > 0 ? err : 1;
	if (command->changes && lock_bpffs() < 0)
		return 1;
	if (given[QUIET] && !freopen("/dev/null", "w", stdout))
		return 1;
	return command->run(&target) ? 1 : 0;
}
