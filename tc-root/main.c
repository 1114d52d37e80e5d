// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* tc_root: the root programs of an interface, on hosts without l3afd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../common/args.h"
#include "../common/log.h"
#include "../common/pins.h"
#include "root.h"

enum { IFACE, VERSION, FORCE, QUIET, CMD, HELP, OPTIONS };

static const struct arg options[OPTIONS] = {
	[IFACE] = { "iface", "IF", "the interface" },
	[VERSION] = { "version", "V", "pin as version V of the package tc-root, not in the flat layout" },
	[FORCE] = { "force", NULL, "stop: also what another process holds" },
	[QUIET] = { "quiet", NULL, "print errors only" },
	[CMD] = { "cmd", "COMMAND", "the command, as an option" },
	[HELP] = { "help", NULL, "print this" },
};

static const struct command {
	const char *name;
	int (*run)(const struct root_target *target);
	bool changes; /* things on bpffs, so one at a time */
	bool without_iface; /* the interface may be gone */
	const char *help;
} commands[] = {
	{ "start", root_start, true, false, "attach both root programs, or repair what is missing of them" },
	{ "stop", root_stop, true, true, "remove them, their pins, and what a killed l3afd left behind" },
	{ "status", root_status, false, false, "print the chain of programs of both directions" },
};

static void help(void)
{
	printf("usage: tc_root COMMAND --iface IF [options]\n\ncommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-8s%s\n", commands[i].name, commands[i].help);
	printf("\noptions:\n");
	args_help(options, OPTIONS);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* What the command works on. -EINVAL: the options do not say it. */
static int find_target(struct root_target *target, const struct command *command, const char **values)
{
	struct pins pins;
	int err;

	if (!values[IFACE]) {
		log_error("option '--iface' is missing");
		return -EINVAL;
	}
	target->version = values[VERSION];
	target->force = values[FORCE];
	if (target->version && pins_of(&pins, "any", ROOT_PACKAGE, target->version)) {
		log_error("'%s' cannot be a version", target->version);
		return -EINVAL;
	}
	err = netlink_link(values[IFACE], &target->link);
	if (err == -ENODEV && command->without_iface && !pins_of(&pins, values[IFACE], NULL, NULL) &&
	    (!access(pins.maps, F_OK) || !access(pins.progs, F_OK))) {
		/* no device, but pins of one that had this name */
		snprintf(target->link.name, sizeof(target->link.name), "%s", values[IFACE]);
		err = 0;
	}
	if (err == -ENODEV)
		log_error("no interface '%s'", values[IFACE]);
	else if (err)
		log_error("cannot look up interface '%s': %s", values[IFACE], strerror(-err));
	return err;
}

/* One tc_root at a time. The lock is released when the process ends, whatever way. */
static int lock_bpffs(void)
{
	int fd;

	if (!pins_on_bpffs(BPFFS)) {
		log_error("no bpffs is mounted at " BPFFS);
		return -ENOENT;
	}
	fd = open(BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !flock(fd, LOCK_EX))
		return 0;
	log_error("cannot lock " BPFFS ": %s", strerror(errno));
	return -errno;
}

int main(int argc, char **argv)
{
	const char *values[OPTIONS], *word, *operand;
	struct root_target target = { 0 };
	const struct command *command;
	int err;

	log_init("tc_root", LEVEL_WARN, NULL);
	if (args_parse(argc, argv, options, OPTIONS, values, &word, &operand))
		return 2;
	if (values[HELP]) {
		help();
		return 0;
	}
	if (values[CMD]) {
		operand = word;
		word = values[CMD];
	}
	if (!word) {
		log_error("no command; 'tc_root --help' lists them");
		return 2;
	}
	command = find(word);
	if (!command) {
		log_error("unknown command '%s'; 'tc_root --help' lists them", word);
		return 2;
	}
	if (operand) {
		log_error("unexpected word '%s'", operand);
		return 2;
	}
	err = find_target(&target, command, values);
	if (err)
		return err == -EINVAL ? 2 : 1;
	if (command->changes && lock_bpffs())
		return 1;
	if (values[QUIET] && !freopen("/dev/null", "w", stdout))
		return 1;
	return command->run(&target) ? 1 : 0;
}
