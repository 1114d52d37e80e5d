// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* mirroring: control program for traffic-mirroring, run by l3afd or by an operator. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "../../common/open_files.h"
#include "../../common/pins.h"
#include "delivery_options.h"
#include "request.h"
#include "settings.h"

#define TO(member) ARGS_STORE(struct request, delivery.member)
/* an empty value takes an option back */
#define DELIVERY_OPTION(ID, name) [ARG_##ID] = { name, DELIVERY_##ID, .may_be_empty = true },
#define SETTING_OPTION(ID, name, type, member, preset) \
	[ARG_##ID] = { name, SETTING_##ID, ARGS_STORE(struct request, settings.member) },

static const struct arg options[ARG_COUNT] = {
	[ARG_IFACE] = { "iface", "IFACE", "mirror this interface", ARGS_TEXT, .section = "Interface" },
	[ARG_DIRECTION] = { "direction", "ingress|egress", "mirror packets that it receives or that it sends",
			    ARGS_CHOICE },
	[ARG_VERSION] = { "version", "VERSION", "use the pins of this package version",
			  ARGS_READ(pins_read_version, "a version") },
	[ARG_MAP_NAME] = { "map-name", "PIN", "start: chain the program after this chain map (the last one)",
			   ARGS_TEXT },

	[ARG_RULES] = { "rules", "TEXT", "mirror by these filters, separated by newlines or semicolons",
			ARGS_TEXT, .section = "Filters" },
	[ARG_RULES_FILE] = { "rules-file", "FILE", "mirror by the filters in FILE; - is standard input",
			     ARGS_TEXT },
	[ARG_SRC_ADDRESS] = { "src-address", "LIST",
			      "match source addresses and prefixes; 0.0.0.0 matches any", ARGS_TEXT },
	[ARG_DST_ADDRESS] = { "dst-address", "LIST",
			      "match destination addresses and prefixes; 0.0.0.0 matches any", ARGS_TEXT },
	[ARG_SRC_PORT] = { "src-port", "LIST", "match source ports; 0 matches any", ARGS_TEXT },
	[ARG_DST_PORT] = { "dst-port", "LIST", "match destination ports; 0 matches any", ARGS_TEXT },
	[ARG_PROTOCOL] = { "protocol", "LIST", "match IP protocols", ARGS_TEXT },
	[ARG_DOMAIN] = { "domain", "LIST",
			 "match server names of TLS, QUIC, HTTP: example.com, *.example.com", ARGS_TEXT },

	[ARG_PCAP] = { "pcap", "FILE", "explain: read the packets of this capture, pcap or pcapng", ARGS_TEXT,
		       .section = "General" },
	[ARG_JSON] = { "json", NULL, "status, explain: print JSON", ARGS_FLAG },
	[ARG_LOG_DIR] = { "log-dir", "DIR", "write messages to mirroring.log in DIR too", ARGS_TEXT },
	[ARG_QUIET] = { "quiet", NULL, "print errors only", ARGS_FLAG },

	MIRROR_OPTIONS(DELIVERY_OPTION) MIRROR_SETTINGS(SETTING_OPTION)
};

static const struct command {
	struct args_command is;
	int (*run)(const struct request *request);
	bool host; /* --iface and --direction may be missing */
} commands[] = {
	{ { "start", NULL, "set delivery and filters; keep what is not named (if no command is given)" },
	  .run = command_start },
	{ { "update", NULL, "change filters or delivery; keep what is not named" }, .run = command_update },
	{ { "stop", NULL, "end mirroring; unload what start loaded" }, .run = command_stop },
	{ { "show", NULL, "print the active filters as rules" }, .run = command_show },
	{ { "rollback", NULL, "restore the previous filters and delivery" }, .run = command_rollback },
	{ { "check", "FILE", "validate a file of rules; - is standard input" },
	  .run = command_check,
	  .host = true },
	{ { "explain", NULL, "print which filter decides about each packet of a capture" },
	  .run = command_explain,
	  .host = true },
	{ { "status", NULL, "print what is mirrored, counters, the chain and problems" },
	  .run = command_status,
	  .host = true },
	{ { "metrics", NULL, "print all counters in the Prometheus text format" },
	  .run = command_metrics,
	  .host = true },
};

static const struct args_program program = {
	.name = "mirroring",
	.usage = "[COMMAND] [OPTION]...",
	.summary = "Copies packets of an interface to collectors.",
	.options = options,
	.n_options = ARG_COUNT,
	.commands = &commands[0].is,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
	.command_size = sizeof(commands[0]),
	.command = "start",
};

int main(int argc, char **argv)
{
	struct request request = {};
	struct args_command_line line;
	const struct command *command;
	int status, err;

	/* a reader of the messages that goes away must not end a command half-way */
	signal(SIGPIPE, SIG_IGN);
	log_init(program.name, LEVEL_INFO, NULL);
	status = args_parse(argc, argv, &program, &request, request.value, &line);
	if (status >= 0)
		return status;
	log_init(program.name, request.value[ARG_QUIET] ? LEVEL_ERROR : LEVEL_INFO,
		 request.value[ARG_LOG_DIR]);

	open_files_raise();
	command = &commands[line.command];
	if (!command->host && (!request.value[ARG_IFACE] || !request.value[ARG_DIRECTION])) {
		log_error("--%s is missing", request.value[ARG_IFACE] ? "direction" : "iface");
		return ARGS_USAGE;
	}
	request.operand = line.operand;
	request.from_l3afd = line.as_option;
	err = command->run(&request);
	if (err && !log_reported())
		log_error("%s failed: %s", command->is.name, strerror(-err));
	return err > 0 ? err : err ? EXIT_FAILURE : EXIT_SUCCESS;
}
