// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* mirroring: the command that l3afd, or a person, steers traffic-mirroring with. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "delivery_options.h"
#include "request.h"

#define VALUE_AND_HELP_(value, help, ...) value, help
#define VALUE_AND_HELP(...) VALUE_AND_HELP_(__VA_ARGS__)
#define DELIVERY_ARGUMENT(ID, name) [ARG_##ID] = { name, VALUE_AND_HELP(DELIVERY_##ID) },

static const struct arg arguments[ARG_COUNT] = {
	[ARG_CMD] = { "cmd", "COMMAND", "the command, as l3afd gives it" },
	[ARG_IFACE] = { "iface", "IFACE", "mirrored interface" },
	[ARG_DIRECTION] = { "direction", "ingress|egress", "mirrored direction" },
	[ARG_VERSION] = { "version", "VERSION", "package version whose pins are meant (l3afd after v2.1.0)" },
	[ARG_MAP_NAME] = { "map-name", "PIN", "start: load the program and chain it behind this chain map" },
	[ARG_RULES] = { "rules", "TEXT", "filters, separated by newlines or ;" },
	[ARG_RULES_FILE] = { "rules-file", "FILE", "file of filters" },
	[ARG_SRC_ADDRESS] = { "src-address", "LIST", "source addresses or prefixes, 0.0.0.0: any" },
	[ARG_DST_ADDRESS] = { "dst-address", "LIST", "destination addresses or prefixes, 0.0.0.0: any" },
	[ARG_SRC_PORT] = { "src-port", "LIST", "source ports, 0: any" },
	[ARG_DST_PORT] = { "dst-port", "LIST", "destination ports, 0: any" },
	[ARG_PROTOCOL] = { "protocol", "LIST", "protocols" },
	[ARG_RING_MEMORY] = { "ring-memory", "SIZE", "memory of all rings of this host, 64M by default" },
	[ARG_MAX_RATE] = { "max-rate", "RATE", "most copies of this host: 100kpps, 500Mbit, off" },
	[ARG_FAILOVER] = { "failover", "on|off", "leave out collectors that cannot be reached" },
	[ARG_SENDER_NICE] = { "sender-nice", "NICE", "priority of mirror-sender, -20 to 19, 5 by default" },
	[ARG_JSON] = { "json", NULL, "status: as JSON" },
	[ARG_LOG_DIR] = { "log-dir", "DIR", "log to mirroring.log in this directory too" },
	[ARG_QUIET] = { "quiet", NULL, "say nothing but errors" },
	[ARG_HELP] = { "help", NULL, "this text" },
	MIRROR_OPTIONS(DELIVERY_ARGUMENT)
};

static const struct {
	const char *name;
	int (*run)(const struct request *request);
	const char *operand; /* its name in --help, NULL: takes none */
	const char *help;
} commands[] = {
	{ "start", command_start, NULL, "set delivery and filters; what is not named stays" },
	{ "update", command_update, NULL, "change filters or delivery; what is not named stays" },
	{ "stop", command_stop, NULL, "end mirroring; unload what start loaded" },
	{ "show", command_show, NULL, "print the filters in force, as rules" },
	{ "rollback", command_rollback, NULL, "put the previous filters and delivery in force" },
	{ "check", command_check, "FILE", "validate a file of rules, - for standard input" },
	{ "status", command_status, NULL, "what is mirrored where, counters, the chain" },
	{ "metrics", command_metrics, NULL, "all counters in Prometheus' text format" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(void)
{
	printf("mirroring COMMAND [options]: copies packets to collectors. Without COMMAND: "
	       "start.\n\nCommands\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-9s%-6s%s\n", commands[i].name, commands[i].operand ? commands[i].operand : "",
		       commands[i].help);
	printf("\nOptions\n");
	args_help(arguments, ARG_COUNT);
}

int main(int argc, char **argv)
{
	struct request request = {};
	const char *word;

	log_init("mirroring", LEVEL_INFO, NULL);
	if (args_parse(argc, argv, arguments, ARG_COUNT, request.value, &word, &request.operand))
		return EXIT_FAILURE;
	if (request.value[ARG_HELP]) {
		help();
		return EXIT_SUCCESS;
	}
	log_init("mirroring", request.value[ARG_QUIET] ? LEVEL_ERROR : LEVEL_INFO,
		 request.value[ARG_LOG_DIR]);

	if (word && request.value[ARG_CMD] && strcmp(word, request.value[ARG_CMD])) {
		log_error("two commands: \"%s\" and --cmd=%s", word, request.value[ARG_CMD]);
		return EXIT_FAILURE;
	}
	if (!word) {
		word = request.value[ARG_CMD] ? request.value[ARG_CMD] : "start";
		request.from_l3afd = true;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(word, commands[i].name))
			continue;
		if (request.operand && !commands[i].operand) {
			log_error("%s: unexpected word \"%s\"", word, request.operand);
			return EXIT_FAILURE;
		}
		return commands[i].run(&request) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	log_error("unknown command \"%s\"; --help lists them", word);
	return EXIT_FAILURE;
}
