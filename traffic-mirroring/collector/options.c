/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/log.h"
#include "../../common/units.h"
#include "../wire/encap.h"

#define MEMORY_MIN (16UL << 20)
#define WORKERS_MAX 64

static bool add_port(struct decap_ports *ports, uint16_t port, enum mirror_format format)
{
	for (uint32_t i = 0; i < ports->count; i++)
		if (ports->at[i].port == port)
			return ports->at[i].format == format;
	ports->at[ports->count].port = port;
	ports->at[ports->count++].format = format;
	return true;
}

static int read_listen(const char *text, struct options *o)
{
	struct receive_options *r = &o->receive;
	const char *colon = strchrnul(text, ':');
	const struct format *format;
	unsigned long port;
	char name[16];

	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	format = format_find(name);
	if (!format || !decap_receives(format->number) || r->count == RECEIVE_LISTEN_MAX)
		return -EINVAL;
	port = format->port;
	if (*colon && number_parse(colon + 1, 1, 65535, &port))
		return -EINVAL;
	if (!add_port(&o->pipeline.ports, port, format->number))
		return -EINVAL;
	r->listen[r->count++] = (struct receive_listen){ format->number, port };
	return 0;
}

/* Calls a reader for each word between commas. */
static int each(const char *list, struct options *o, int (*read)(const char *, struct options *))
{
	char *words = strdup(list), *rest = words, *word;
	int err = words ? 0 : -ENOMEM;

	while (!err && (word = strsep(&rest, ",")))
		err = read(word, o);
	free(words);
	return err;
}

static int read_vni(const char *word, struct options *o)
{
	struct pipeline *p = &o->pipeline;
	unsigned long from, to;
	const char *dash = strchr(word, '-');
	char first[16];

	if (p->vnis == PIPELINE_LIST_MAX)
		return -EINVAL;
	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - word) : 15, word);
	if (number_parse(first, 0, 0xffffff, &from) ||
	    number_parse(dash ? dash + 1 : first, from, 0xffffff, &to))
		return -EINVAL;
	p->vni[p->vnis++] = (struct pipeline_vnis){ from, to };
	return 0;
}

static int read_source(const char *word, struct options *o)
{
	struct pipeline *p = &o->pipeline;
	struct pipeline_prefix prefix = { .address.family = strchr(word, ':') ? AF_INET6 : AF_INET };
	unsigned long bits = prefix.address.family == AF_INET6 ? 128 : 32;
	const char *slash = strchr(word, '/');
	char address[INET6_ADDRSTRLEN + 1];
	int len = slash ? slash - word : (int)strlen(word);

	if (p->sources == PIPELINE_LIST_MAX || len >= (int)sizeof(address))
		return -EINVAL;
	memcpy(address, word, len);
	address[len] = '\0';
	if (inet_pton(prefix.address.family, address, prefix.address.bytes) != 1 ||
	    (slash && number_parse(slash + 1, 0, bits, &bits)))
		return -EINVAL;
	prefix.len = bits;
	p->source[p->sources++] = prefix;
	return 0;
}

/* "host[:port]" or "[address][:port]" of a URL. 0 or -EINVAL. */
static int read_authority(const char *text, struct replay_rule *rule)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[REPLAY_HOST_MAX];
	const char *end = *text == '[' ? strchr(text, ']') : strchrnul(text, ':');
	const char *port;
	struct addrinfo *found;
	unsigned long number = 80;
	char service[8];
	int err;

	if (!end || strlen(text) >= sizeof(rule->host))
		return -EINVAL;
	port = *text == '[' ? end + 1 : end;
	snprintf(host, sizeof(host), "%.*s", (int)(end - text - (*text == '[')), text + (*text == '['));
	if (!*host || (*port && *port != ':') || (*port && number_parse(port + 1, 1, 65535, &number)))
		return -EINVAL;
	snprintf(rule->host, sizeof(rule->host), "%s", text);
	snprintf(service, sizeof(service), "%lu", number);
	err = getaddrinfo(host, service, &hints, &found);
	if (err) {
		log_error("cannot find the address of '%s': %s", host, gai_strerror(err));
		return -EINVAL;
	}
	memcpy(&rule->address, found->ai_addr, found->ai_addrlen);
	rule->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int read_replay(const char *text, struct options *o)
{
	static const char scheme[] = "=http://";
	const char *equals = strchr(text, '=');
	struct replay_rule rule = { 0 };
	unsigned long port;
	char number[8], target[REPLAY_HOST_MAX + 1];
	size_t len;

	if (!equals || equals - text >= (int)sizeof(number) || o->replay.rules == REPLAY_RULES_MAX ||
	    strncmp(equals, scheme, strlen(scheme)))
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)(equals - text), text);
	snprintf(target, sizeof(target), "%s", equals + strlen(scheme));
	len = strlen(target);
	if (len && target[len - 1] == '/')
		target[len - 1] = '\0';
	if (strpbrk(target, "/@?# ") || number_parse(number, 1, 65535, &port) ||
	    read_authority(target, &rule))
		return -EINVAL;
	for (uint32_t i = 0; i < o->replay.rules; i++)
		if (o->replay.rule[i].port == port)
			return -EINVAL;
	rule.port = port;
	o->replay.rule[o->replay.rules++] = rule;
	return 0;
}

static bool is_token(const char *text)
{
	return *text &&
	       !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static int read_format(const char *text, struct options *o)
{
	const struct pcapfile_format *const formats[] = { &pcapfile_pcap, &pcapfile_pcapng };

	for (int i = 0; i < 2; i++)
		if (!strcmp(text, formats[i]->name))
			o->write.format = formats[i];
	return o->write.format ? 0 : -EINVAL;
}

enum {
	OPTION_LISTEN = 'l',
	OPTION_WRITE = 'w',
	OPTION_QUIET = 'q',
	OPTION_HELP = 'h',
	OPTION_VNI = 256,
	OPTION_FROM,
	OPTION_DEPTH,
	OPTION_WORKERS,
	OPTION_RECEIVE_BUFFER,
	OPTION_FILTER,
	OPTION_FORMAT,
	OPTION_SNAPLEN,
	OPTION_ROTATE_SIZE,
	OPTION_ROTATE_TIME,
	OPTION_ROTATE_FILES,
	OPTION_TAP,
	OPTION_REPLAY,
	OPTION_REPLAY_HOST,
	OPTION_REPLAY_CLIENT_HEADER,
	OPTION_REPLAY_RATE,
	OPTION_REPLAY_PERCENT,
	OPTION_REPLAY_DRY_RUN,
	OPTION_MEMORY,
	OPTION_FLOWS,
	OPTION_FLOW_MEMORY,
	OPTION_REORDER_TIME,
	OPTION_REORDER_BYTES,
	OPTION_METRICS,
	OPTION_HEALTH,
	OPTION_STATUS,
	OPTION_USER,
};

static const struct option_info {
	const char *name;
	int key;
	const char *value; /* NULL: a flag */
	const char *help;
} table[] = {
	{ "listen", OPTION_LISTEN, "FORMAT[:PORT]",
	  FORMAT_NAMES_RECEIVED " on this UDP port; may be given several times" },
	{ "vni", OPTION_VNI, "LIST", "only these VNIs: numbers and ranges, separated by commas" },
	{ "from", OPTION_FROM, "LIST", "only from these addresses and prefixes of mirroring hosts" },
	{ "depth", OPTION_DEPTH, "N", "tunnels within each other that are taken off, 1 to 3 (3)" },
	{ "filter", OPTION_FILTER, "EXPRESSION",
	  "only copies that this expression of pcap-filter(7) accepts" },
	{ "workers", OPTION_WORKERS, "N", "threads that receive (one per CPU)" },
	{ "receive-buffer", OPTION_RECEIVE_BUFFER, "BYTES",
	  "that the kernel keeps per port and worker (16M)" },
	{ "write", OPTION_WRITE, "FILE", "write copies to a file, or with - to stdout" },
	{ "format", OPTION_FORMAT, "FORMAT", "pcap or pcapng (by FILE's suffix, else pcap)" },
	{ "snaplen", OPTION_SNAPLEN, "BYTES", "of each copy that are written (all)" },
	{ "rotate-size", OPTION_ROTATE_SIZE, "BYTES", "begin another file after so many bytes" },
	{ "rotate-time", OPTION_ROTATE_TIME, "TIME", "begin another file after this time" },
	{ "rotate-files", OPTION_ROTATE_FILES, "N", "keep only the newest files" },
	{ "tap", OPTION_TAP, "NAME", "show copies on this TAP device" },
	{ "replay", OPTION_REPLAY, "PORT=http://HOST[:PORT]",
	  "send HTTP requests to this port to another server; may be given several times" },
	{ "replay-host", OPTION_REPLAY_HOST, "NAME",
	  "Host header of what is sent; 'target': HOST[:PORT] of it" },
	{ "replay-client-header", OPTION_REPLAY_CLIENT_HEADER, "NAME",
	  "a header that gets the client's address" },
	{ "replay-rate", OPTION_REPLAY_RATE, "N", "at most so many requests per second" },
	{ "replay-percent", OPTION_REPLAY_PERCENT, "N", "only this share of the connections (100)" },
	{ "replay-dry-run", OPTION_REPLAY_DRY_RUN, NULL, "find requests, and send none" },
	{ "memory", OPTION_MEMORY, "BYTES", "for the replay, at most (256M)" },
	{ "flows", OPTION_FLOWS, "N", "connections that are followed at a time (65536)" },
	{ "flow-memory", OPTION_FLOW_MEMORY, "BYTES", "of a request, at most (16M)" },
	{ "reorder-time", OPTION_REORDER_TIME, "MS", "how long a segment waits for an earlier one (1000)" },
	{ "reorder-bytes", OPTION_REORDER_BYTES, "BYTES", "of one connection that wait, at most (1M)" },
	{ "metrics", OPTION_METRICS, "PORT", "Prometheus metrics over HTTP at this port of 127.0.0.1" },
	{ "health", OPTION_HEALTH, "PORT", "accept TCP connections here: a health check for load balancers" },
	{ "status", OPTION_STATUS, NULL, "show what happens, each second" },
	{ "user", OPTION_USER, "NAME", "whom to become when all is open (nobody)" },
	{ "quiet", OPTION_QUIET, NULL, "no summary at the end" },
	{ "help", OPTION_HELP, NULL, "this text" },
};

#define OPTIONS (sizeof(table) / sizeof(*table))

static void print_help(void)
{
	printf("Usage: mirror-collector --listen FORMAT[:PORT] [OPTION]...\n"
	       "Receives copies of packets, and writes, shows and replays them.\n\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%s%s", table[i].name, table[i].value ? "=" : "",
			 table[i].value ?: "");
		printf("  --%-34s %s\n", left, table[i].help);
	}
	printf("\n-l, -w, -q and -h are short for --listen, --write, --quiet and --help. BYTES may end with "
	       "K, M or G,\n"
	       "TIME with s, m, h or d.\n");
}

/* One option. 0, 1: help; -EINVAL. */
static int read_option(int key, const char *text, struct options *o)
{
	struct replay_options *r = &o->replay;
	unsigned long n = 0;
	int err = 0;

	switch (key) {
	case OPTION_LISTEN:
		return read_listen(text, o);
	case OPTION_VNI:
		return each(text, o, read_vni);
	case OPTION_FROM:
		return each(text, o, read_source);
	case OPTION_DEPTH:
		err = number_parse(text, 1, DECAP_DEPTH_MAX, &n);
		o->pipeline.depth = n;
		return err;
	case OPTION_WORKERS:
		err = number_parse(text, 1, WORKERS_MAX, &n);
		o->workers = n;
		return err;
	case OPTION_RECEIVE_BUFFER:
		err = units_parse(text, units_size, 4096, 1UL << 30, &n);
		o->receive.buffer = n;
		return err;
	case OPTION_FILTER:
		o->filter = text;
		return 0;
	case OPTION_WRITE:
		o->write.path = text;
		return *text ? 0 : -EINVAL;
	case OPTION_FORMAT:
		return read_format(text, o);
	case OPTION_SNAPLEN:
		err = number_parse(text, 14, PCAPFILE_SNAPLEN_MAX, &n);
		o->write.snaplen = n;
		return err;
	case OPTION_ROTATE_SIZE:
		return units_parse(text, units_size, 4096, 1UL << 50, &o->write.rotate_bytes);
	case OPTION_ROTATE_TIME:
		return units_parse(text, units_time, 1, 366UL * 86400, &o->write.rotate_seconds);
	case OPTION_ROTATE_FILES:
		err = number_parse(text, 1, 10000, &n);
		o->write.keep = n;
		return err;
	case OPTION_TAP:
		o->tap = text;
		return *text ? 0 : -EINVAL;
	case OPTION_REPLAY:
		return read_replay(text, o);
	case OPTION_REPLAY_HOST:
		r->host = strcmp(text, "target") ? text : "";
		return *text && !strpbrk(text, " \r\n\t") ? 0 : -EINVAL;
	case OPTION_REPLAY_CLIENT_HEADER:
		r->client_header = text;
		return is_token(text) ? 0 : -EINVAL;
	case OPTION_REPLAY_RATE:
		return number_parse(text, 1, 100000000, &r->rate);
	case OPTION_REPLAY_PERCENT:
		err = number_parse(text, 0, 100, &n);
		r->percent = n;
		return err;
	case OPTION_REPLAY_DRY_RUN:
		r->dry_run = true;
		return 0;
	case OPTION_MEMORY:
		return units_parse(text, units_size, MEMORY_MIN, 1UL << 40, &r->memory);
	case OPTION_FLOWS:
		err = number_parse(text, 1, 16UL << 20, &n);
		r->flows.max = n;
		return err;
	case OPTION_FLOW_MEMORY:
		err = units_parse(text, units_size, 4096, 1UL << 30, &n);
		r->flows.request_max = n;
		return err;
	case OPTION_REORDER_TIME:
		err = number_parse(text, 1, 60000, &n);
		r->flows.stream.time_ns = n * 1000000;
		return err;
	case OPTION_REORDER_BYTES:
		err = units_parse(text, units_size, 4096, 1UL << 30, &n);
		r->flows.stream.bytes = n;
		return err;
	case OPTION_METRICS:
		err = number_parse(text, 1, 65535, &n);
		o->metrics = n;
		return err;
	case OPTION_HEALTH:
		err = number_parse(text, 1, 65535, &n);
		o->health = n;
		return err;
	case OPTION_STATUS:
		o->status = true;
		return 0;
	case OPTION_USER:
		o->user = text;
		return 0;
	case OPTION_QUIET:
		o->quiet = true;
		return 0;
	case OPTION_HELP:
		print_help();
		return 1;
	}
	return -EINVAL;
}

static const char *name_of(int key)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (table[i].key == key)
			return table[i].name;
	return "";
}

static int check(struct options *o)
{
	const char *path = o->write.path, *suffix = path ? strrchr(path, '.') : NULL;

	if (!o->receive.count) {
		log_error("nothing to listen to: give --listen with one of " FORMAT_NAMES_RECEIVED);
		return -EINVAL;
	}
	if (!path && (o->write.rotate_bytes || o->write.rotate_seconds || o->write.keep)) {
		log_error("rotation without --write");
		return -EINVAL;
	}
	if (path && !strcmp(path, "-") && (o->write.rotate_bytes || o->write.rotate_seconds)) {
		log_error("stdout cannot be rotated");
		return -EINVAL;
	}
	if (o->write.keep && !o->write.rotate_bytes && !o->write.rotate_seconds) {
		log_error("--rotate-files needs --rotate-size or --rotate-time");
		return -EINVAL;
	}
	if (!o->write.format)
		o->write.format = suffix && !strcmp(suffix, ".pcapng") ? &pcapfile_pcapng : &pcapfile_pcap;
	/* a tunnel inside of another one comes on the port that is usual for it */
	for (unsigned int format = FORMAT_NONE + 1; format < FORMAT_COUNT; format++)
		if (decap_receives(format))
			add_port(&o->pipeline.ports, format_of(format)->port, format);
	return 0;
}

int options_parse(int argc, char **argv, struct options *o)
{
	struct option options[OPTIONS + 1] = { 0 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int key, err;

	*o = (struct options){
		.receive.buffer = 16 << 20,
		.workers = cpus < 1	      ? 1 :
			   cpus > WORKERS_MAX ? WORKERS_MAX :
						cpus,
		.pipeline = { .depth = DECAP_DEPTH_MAX, .tap = -1 },
		.write.snaplen = PCAPFILE_SNAPLEN_MAX,
		.replay = { .percent = 100, .memory = 256UL << 20 },
		.replay.flows = { 65536, 16 << 20, { 1 << 20, 1000000000 } },
		.user = "nobody",
	};
	for (size_t i = 0; i < OPTIONS; i++)
		options[i] = (struct option){ table[i].name, table[i].value ? required_argument : no_argument,
					      NULL, table[i].key };

	opterr = 0;
	optind = 0;
	while ((key = getopt_long(argc, argv, ":l:w:qh", options, NULL)) != -1) {
		if (key == ':') {
			log_error("option '%s' needs a value", argv[optind - 1]);
			return -EINVAL;
		}
		if (key == '?') {
			log_error("unknown option '%s'", argv[optind - 1]);
			return -EINVAL;
		}
		err = read_option(key, optarg, o);
		if (err < 0)
			log_error("bad value for --%s: '%s'", name_of(key), optarg);
		if (err)
			return err;
	}
	if (optind < argc) {
		log_error("unexpected word '%s'", argv[optind]);
		return -EINVAL;
	}
	return check(o);
}
