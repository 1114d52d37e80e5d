/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/log.h"
#include "../../common/units.h"
#include "../wire/encap.h"
#include "rules.h"

#define MEMORY_MIN (16L << 20)

/* False: another format has the port. */
static bool add_port(struct decap_ports *ports, uint16_t port, enum mirror_format format)
{
	if (!port)
		return true;
	for (uint32_t i = 0; i < ports->count; i++)
		if (ports->at[i].port == port)
			return ports->at[i].format == format;
	ports->at[ports->count].port = port;
	ports->at[ports->count++].format = format;
	return true;
}

static int read_listen(const char *text, void *options)
{
	struct options *o = options;
	struct receive_options *r = &o->receive;
	struct listen listen;

	if (r->count == LISTEN_MAX || listen_parse(text, &listen) ||
	    !add_port(&o->pipeline.ports, listen.port, listen.format->number))
		return -EINVAL;
	r->listen[r->count++] = listen;
	return 0;
}

static int read_path(const char *text, void *options)
{
	struct read_options *r = &((struct options *)options)->read;

	if (!*text || r->count == READ_MAX)
		return -EINVAL;
	r->path[r->count++] = text;
	return 0;
}

static int read_vni(const char *word, void *options)
{
	struct options *o = options;
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

static int read_source(const char *word, void *options)
{
	struct options *o = options;
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

static int read_replay(const char *text, void *options)
{
	return rules_read(text, false, &((struct options *)options)->replay);
}

static int read_tcp(const char *text, void *options)
{
	return rules_read(text, true, &((struct options *)options)->replay);
}

static int read_replay_host(const char *text, void *options)
{
	struct replay_options *r = &((struct options *)options)->replay;

	r->host = strcmp(text, "target") ? text : "";
	return *text && !strpbrk(text, " \r\n\t") ? 0 : -EINVAL;
}

/* Whether a text can be a header's name, as far as it has bytes. */
static bool is_token(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return !text[strspn(text, allowed)];
}

static int read_client_header(const char *text, void *options)
{
	((struct options *)options)->replay.client_header = text;
	return *text && is_token(text) ? 0 : -EINVAL;
}

static int read_mark(const char *text, void *options)
{
	((struct options *)options)->replay.mark = text;
	return is_token(text) ? 0 : -EINVAL;
}

static int read_format(const char *text, void *options)
{
	((struct options *)options)->write.format = strcmp(text, "pcap") ? &pcapfile_pcapng : &pcapfile_pcap;
	return 0;
}

static int read_serve_pcap(const char *text, void *options)
{
	struct options *o = options;

	o->serve_pcap = address_loopback;
	return address_port_parse(text, &o->serve_pcap, &o->serve_pcap_port);
}

static int read_reorder_time(const char *text, void *options)
{
	((struct options *)options)->replay.flows.stream.time_ns = strtoul(text, NULL, 10) * 1000000;
	return 0;
}

#define STORE(member) ARGS_STORE(struct options, member)

static const struct arg table[] = {
	{ "listen", "FORMAT[:WHERE][:PORT]", "receive " FORMAT_NAMES "; may be repeated",
	  ARGS_READ(read_listen, "FORMAT[:WHERE][:PORT] with a format (" FORMAT_NAMES
				 "), an address or device, and a port that no other format has"),
	  .letter = 'l', .repeats = true, .section = "Receiving" },
	{ "read", "FILE", "read this capture file, then end; - is standard input; may be repeated",
	  ARGS_READ(read_path, "at most " ARGS_TEXT_OF(READ_MAX) " names of files"), .letter = 'r',
	  .repeats = true },
	{ "vni", "LIST", "accept only these VNIs: numbers and ranges, separated by commas",
	  ARGS_READ(read_vni, "VNIs from 0 to 16777215 and ranges of them"), .list = true, .repeats = true },
	{ "vni-of", "innermost|outermost", "compare --vni with the ID of this tunnel (innermost)",
	  ARGS_CHOICE, STORE(pipeline.outermost), .preset = "innermost" },
	{ "from", "LIST", "accept copies only from hosts with these addresses and prefixes",
	  ARGS_READ(read_source, "IPv4 and IPv6 addresses and prefixes"), .list = true, .repeats = true },
	{ "depth", "N", "decapsulate up to N nested tunnels, 1 to 3 (3)", ARGS_NUMBER(1, DECAP_DEPTH_MAX),
	  STORE(pipeline.depth), .preset = "3" },
	{ "filter", "EXPRESSION", "accept only copies that match this pcap-filter(7) expression", ARGS_TEXT,
	  STORE(filter) },
	{ "dedup", "MS", "write and show identical copies within MS milliseconds once", ARGS_NUMBER(1, 60000),
	  STORE(dedup_ms) },
	{ "workers", "N", "run N receiving threads (one per CPU)", ARGS_NUMBER(1, WORKERS_MAX),
	  STORE(workers) },
	{ "receive-buffer", "SIZE", "set the socket buffer per port and worker (16M)",
	  ARGS_SIZE(4096, 1L << 30), STORE(receive.buffer), .preset = "16M" },

	{ "write", "FILE", "write copies to FILE (.zst: compressed); - is standard output",
	  ARGS_LENGTH(1, PATH_MAX), STORE(write.output.path), .letter = 'w', .section = "Writing" },
	{ "format", "pcap|pcapng", "write this format (by FILE's suffix, else pcap)", ARGS_CHOICE,
	  .read = read_format },
	{ "snaplen", "BYTES", "write at most BYTES of each copy (all)", ARGS_NUMBER(14, PCAPFILE_SNAPLEN_MAX),
	  STORE(write.snaplen), .preset = "262144" },
	{ "rotate-size", "SIZE", "start a new file after SIZE", ARGS_SIZE(4096, 1L << 50),
	  STORE(write.rotate_bytes) },
	{ "rotate-time", "TIME", "start a new file after TIME", ARGS_TIME(1, 366L * 86400),
	  STORE(write.rotate_seconds) },
	{ "rotate-files", "N", "keep only the newest N files (all)", ARGS_NUMBER(1, 10000),
	  STORE(write.output.keep) },

	{ "tap", "NAME", "show copies on this TAP device", ARGS_LENGTH(1, PATH_MAX), STORE(tap),
	  .section = "Feeding" },
	{ "tap-queues", "N", "give the TAP device N queues, for N or more workers (1)",
	  ARGS_NUMBER(1, WORKERS_MAX), STORE(tap_queues), .preset = "1" },
	{ "serve-pcap", "[ADDRESS:]PORT",
	  "send copies as a pcap stream to each client of a TCP port (127.0.0.1)",
	  ARGS_READ(read_serve_pcap, "a port, alone or as ADDRESS:PORT") },

	{ "replay", "PORT=URL[,URL][+URL]", "send HTTP requests to PORT to other servers; may be repeated",
	  ARGS_READ(read_replay, "PORT=http[s]://HOST[:PORT][,...][+...], each PORT once"), .repeats = true,
	  .section = "Replaying" },
	{ "tcp", "PORT=HOST:PORT[,...][+...]",
	  "replay any TCP connections to PORT to other servers; may be repeated",
	  ARGS_READ(read_tcp, "PORT=HOST:PORT[,...][+...], each PORT once"), .repeats = true },
	{ "replay-host", "NAME", "send this Host header, or target for HOST[:PORT] (as copied)",
	  ARGS_READ(read_replay_host, "a name without blanks") },
	{ "replay-client-header", "NAME", "add a header NAME with the client's address",
	  ARGS_READ(read_client_header, "letters, digits, - and _") },
	{ "replay-mark", "NAME", "mark requests with a header NAME; skip marked ones (X-Mirror-Replay)",
	  ARGS_READ(read_mark, "letters, digits, - and _, or nothing"), .preset = "X-Mirror-Replay" },
	{ "max-age", "TIME", "give up a request that has no response after TIME (30)", ARGS_TIME(1, 86400),
	  STORE(replay.max_age), .preset = "30" },
	{ "replay-ca", "FILE", "trust the certificate authorities in FILE (the system's)",
	  ARGS_LENGTH(1, PATH_MAX), STORE(replay.ca_file) },
	{ "replay-insecure", NULL, "verify no certificate of an https target", ARGS_FLAG,
	  STORE(replay.insecure) },
	{ "replay-rate", "N", "limit the replay to N requests per second", ARGS_NUMBER(1, 100000000),
	  STORE(replay.rate) },
	{ "replay-percent", "N", "replay N percent of the connections (100)", ARGS_NUMBER(0, 100),
	  STORE(replay.percent), .preset = "100" },
	{ "replay-dry-run", NULL, "find requests without sending them", ARGS_FLAG, STORE(replay.dry_run) },
	{ "memory", "SIZE", "limit the memory of the replay to SIZE (256M)", ARGS_SIZE(MEMORY_MIN, 1L << 40),
	  STORE(replay.memory), .preset = "256M" },
	{ "flows", "N", "follow at most N connections at a time (65536)", ARGS_NUMBER(1, 16L << 20),
	  STORE(replay.flows.max), .preset = "65536" },
	{ "flow-memory", "SIZE", "limit each request to SIZE (16M)", ARGS_SIZE(4096, 1L << 30),
	  STORE(replay.flows.request_max), .preset = "16M" },
	{ "reorder-time", "MS", "wait at most MS milliseconds for an earlier segment (1000)",
	  ARGS_NUMBER(1, 60000), .read = read_reorder_time, .preset = "1000" },
	{ "reorder-bytes", "SIZE", "keep at most SIZE of later segments per connection (1M)",
	  ARGS_SIZE(4096, 1L << 30), STORE(replay.flows.stream.bytes), .preset = "1M" },

	{ "status", NULL, "print progress each second", ARGS_FLAG, STORE(status), .section = "Watching" },
	{ "metrics", "PORT", "serve Prometheus metrics over HTTP on this port of 127.0.0.1",
	  ARGS_NUMBER(1, 65535), STORE(metrics) },
	{ "health", "PORT", "accept TCP connections on PORT, for health checks of load balancers",
	  ARGS_NUMBER(1, 65535), STORE(health) },

	{ "grace", "TIME", "end at most TIME after a signal (5)", ARGS_TIME(0, 3600), STORE(grace),
	  .preset = "5", .section = "General" },
	{ "user", "NAME", "run as this user after opening sockets and files (nobody)", ARGS_TEXT, STORE(user),
	  .preset = "nobody" },
	{ "quiet", NULL, "print no summary at the end", ARGS_FLAG, STORE(quiet), .letter = 'q' },
};

#define OPTIONS (sizeof(table) / sizeof(*table))

static const struct args_program program = {
	.name = "mirror-collector",
	.usage = "--listen=FORMAT[:WHERE][:PORT]|--read=FILE [OPTION]...",
	.summary = "Receives copies of packets; writes, shows and replays them.",
	.options = table,
	.n_options = OPTIONS,
};

/* Whether the text ends with this, before position *len, which then moves there. */
static bool take_suffix(const char *text, size_t *len, const char *suffix)
{
	size_t n = strlen(suffix);
	bool ends = *len >= n && !memcmp(text + *len - n, suffix, n);

	*len -= ends ? n : 0;
	return ends;
}

static int check_write(struct writer_options *w)
{
	const char *path = w->output.path ?: "";
	size_t len = strlen(path);

	w->output.series = w->rotate_bytes || w->rotate_seconds;
	w->output.zstd = take_suffix(path, &len, ".zst");
	if (!w->format)
		w->format = take_suffix(path, &len, ".pcapng") ? &pcapfile_pcapng : &pcapfile_pcap;
	if (!*path && (w->output.series || w->output.keep)) {
		log_error("--rotate-size, --rotate-time and --rotate-files need --write");
		return -EINVAL;
	}
	if (!strcmp(path, "-") && w->output.series) {
		log_error("--rotate-size and --rotate-time need a file, but --write=- is standard output");
		return -EINVAL;
	}
	if (w->output.keep && !w->output.series) {
		log_error("--rotate-files needs --rotate-size or --rotate-time");
		return -EINVAL;
	}
	return 0;
}

static int check(struct options *o)
{
	if (!o->receive.count && !o->read.count) {
		log_error("--listen or --read is missing");
		return -EINVAL;
	}
	o->replay.files = o->read.count;
	if (check_write(&o->write))
		return -EINVAL;
	if (o->tap_queues > o->workers) {
		log_error("--tap-queues: expected at most --workers (%u), got \"%u\"", o->workers,
			  o->tap_queues);
		return -EINVAL;
	}
	/* nested tunnels are expected at the default ports of their formats */
	for (unsigned int format = FORMAT_NONE + 1; format < FORMAT_COUNT; format++)
		add_port(&o->pipeline.ports, format_of(format)->port, format);
	return 0;
}

int options_parse(int argc, char **argv, struct options *o)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *given[OPTIONS];
	int status;

	*o = (struct options){
		.workers = cpus < 1	      ? 1 :
			   cpus > WORKERS_MAX ? WORKERS_MAX :
						cpus,
	};
	status = args_parse(argc, argv, &program, o, given, NULL);
	return status < 0 && check(o) ? ARGS_USAGE : status;
}
