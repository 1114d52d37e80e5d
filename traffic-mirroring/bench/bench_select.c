// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What mirroring costs a packet that it does not copy, beside an empty program in its place; what its maps
 * take of the kernel's memory, and how long commits take. `make bench`, as root, on a machine with little
 * else to do.
 *
 *   bench_select [PACKETS]     how many per measurement, 1,000,000 if not said
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../select/tests/harness.h"
#include "../select/tests/packets.h"
#include "measure.h"

#define ROUNDS 9
#define PREFIXES 20000
#define LABEL "  %-52s"

static struct fixture fixture;
static struct bpf_object *empty_chain; /* a root and a program that does nothing */
static unsigned int repeat = 1000000;

static double run(int prog_fd, const struct packet *p)
{
	return measure_run(prog_fd, p, repeat);
}

static int root(const struct bpf_object *object)
{
	return build_program(object, "probe_root");
}

/* Both chains in turn, so that both see the same machine. */
static void compare(const char *label, struct datapath *datapath, const struct packet *p)
{
	double with[ROUNDS], without[ROUNDS], added[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		without[i] = run(root(empty_chain), p);
		with[i] = run(root(datapath->probe), p);
		added[i] = with[i] - without[i];
	}
	printf(LABEL "%8.1f %8.1f %8.1f ns\n", label, median(without, ROUNDS), median(with, ROUNDS),
	       median(added, ROUNDS));
}

static void commit(struct datapath *datapath, const char *rules)
{
	if (datapath_commit(datapath, rules))
		die("commit failed");
}

static enum mirror_outcome outcome_of(struct datapath *datapath, const struct packet *p)
{
	struct ref_packet packet = { .data = p->data, .len = p->len };
	struct datapath_result r;

	if (datapath_run(datapath, &packet, &r))
		exit(1);
	return r.outcome;
}

static void must_become(struct datapath *datapath, const struct packet *p, enum mirror_outcome outcome)
{
	enum mirror_outcome is = outcome_of(datapath, p);

	if (is == outcome)
		return;
	fprintf(stderr, "%s instead of %s\n", outcome_name(is), outcome_name(outcome));
	exit(1);
}

static void random_address(uint8_t family, char *text)
{
	struct in6_addr addr = { .s6_addr = { 0x20 } };

	for (int i = family == 6; i < 16; i++)
		addr.s6_addr[i] = random() >> 8;
	inet_ntop(family == 6 ? AF_INET6 : AF_INET, &addr, text, INET6_ADDRSTRLEN);
}

static void print_prefixes(FILE *to, uint8_t family, int first)
{
	for (int n = first; n < PREFIXES; n += MIRROR_MAX_FILTERS) {
		char text[INET6_ADDRSTRLEN];

		random_address(family, text);
		fprintf(to, "%s/%ld,", text, family == 6 ? 32 + random() % 97 : 16 + random() % 17);
	}
}

/*
 * 64 filters that share PREFIXES random prefixes for src and, unless dst is NULL, as many for dst; each has
 * src and dst, too.
 */
static char *rules_with_prefixes(uint8_t family, const char *src, const char *dst)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (int i = 0; i < MIRROR_MAX_FILTERS; i++) {
		fprintf(to, "mirror src ");
		print_prefixes(to, family, i);
		fprintf(to, "%s", src);
		if (dst) {
			fprintf(to, " dst ");
			print_prefixes(to, family, i);
			fprintf(to, "%s", dst);
		}
		fprintf(to, " to d0\n");
	}
	if (fclose(to))
		die("out of memory");
	return text;
}

static struct packet packet_of(struct packet_spec spec)
{
	struct packet p;

	packet_build(&spec, &p);
	return p;
}

/* A packet whose addresses are looked up to the end, and in vain; with dst, first one that is found. */
static void compare_prefixes(const char *label, struct datapath *datapath, uint8_t family, bool dst)
{
	const char *host = family == 6 ? "2000::1" : "192.0.2.1",
		   *other = family == 6 ? "2000::2" : "192.0.2.2";
	char src[INET6_ADDRSTRLEN], *text;
	struct packet p;

	random_address(family, src);
	text = rules_with_prefixes(family, dst ? src : host, dst ? host : NULL);
	commit(datapath, text);
	free(text);
	do {
		struct packet_spec s = { .family = family, .proto = IPPROTO_TCP, .dst_port = 443 };

		random_address(family, dst ? s.dst : src);
		strcpy(s.src, src);
		if (!dst)
			strcpy(s.dst, other);
		p = packet_of(s);
	} while (outcome_of(datapath, &p) != OUT_NO_MATCH);
	compare(label, datapath, &p);
}

static void bench_packets(struct datapath *datapath)
{
	struct packet_spec spec = { .family = 4,
				    .proto = IPPROTO_TCP,
				    .src = "192.0.2.1",
				    .dst = "198.51.100.1",
				    .src_port = 40000,
				    .dst_port = 443,
				    .payload = 10 };
	struct packet tcp = packet_of(spec), udp;
	char rules[64 * MIRROR_MAX_FILTERS] = "", *end = rules;

	spec.proto = IPPROTO_UDP;
	udp = packet_of(spec);
	for (int i = 0; i < MIRROR_MAX_FILTERS; i++)
		end += sprintf(end, "mirror proto tcp dst-port %d to d0\n", 1000 + i);
	commit(datapath, rules);
	must_become(datapath, &tcp, OUT_NO_MATCH);
	compare("64 filters, no match by port", datapath, &tcp);
	must_become(datapath, &udp, OUT_NO_MATCH);
	compare("64 filters, no match by protocol", datapath, &udp);

	compare_prefixes("64 filters, 20,000 IPv4 src", datapath, 4, false);
	compare_prefixes("64 filters, 20,000 IPv4 src and as many dst", datapath, 4, true);
	compare_prefixes("64 filters, 20,000 IPv6 src", datapath, 6, false);
	compare_prefixes("64 filters, 20,000 IPv6 src and as many dst", datapath, 6, true);
}

struct racer {
	int cpu, prog_fd;
	const struct packet *packet;
	pthread_barrier_t *start;
	double ns;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(r->start);
	r->ns = run(r->prog_fd, r->packet);
	return NULL;
}

/* Mean of n CPUs that run the program at the same time. */
static double together(int n, int prog_fd, const struct packet *p)
{
	pthread_barrier_t start;
	pthread_t thread[n];
	struct racer racer[n];
	double sum = 0;

	pthread_barrier_init(&start, NULL, n);
	for (int i = 0; i < n; i++) {
		racer[i] = (struct racer){ i, prog_fd, p, &start, 0 };
		if (pthread_create(&thread[i], NULL, race, &racer[i]))
			die("no thread");
	}
	for (int i = 0; i < n; i++) {
		pthread_join(thread[i], NULL);
		sum += racer[i].ns;
	}
	pthread_barrier_destroy(&start);
	return sum / n;
}

static void compare_cpus(const char *label, int prog_fd, const struct packet *p)
{
	double one[ROUNDS], two[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		one[i] = together(1, prog_fd, p);
		two[i] = together(2, prog_fd, p);
	}
	printf(LABEL "%8.1f %8.1f ns %6.1f %%\n", label, median(one, ROUNDS), median(two, ROUNDS),
	       (median(two, ROUNDS) / median(one, ROUNDS) - 1) * 100);
}

static void bench_cpus(struct datapath *datapath)
{
	struct packet p = packet_of((struct packet_spec){ .family = 4,
							  .proto = IPPROTO_TCP,
							  .src = "192.0.2.1",
							  .dst = "198.51.100.1",
							  .dst_port = 443 });

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("one CPU only: two at once not measured\n");
		return;
	}
	compare_cpus("the empty chain", root(empty_chain), &p);
	commit(datapath, "mirror dst-port 80 to d0");
	must_become(datapath, &p, OUT_NO_MATCH);
	compare_cpus("no match by port", root(datapath->probe), &p);
	commit(datapath, "skip dst-port 443");
	must_become(datapath, &p, OUT_SKIPPED);
	compare_cpus("a skip, which counts for its filter", root(datapath->probe), &p);
}

static uint64_t memory_of(int map_fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map_fd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		/* NOLINTNEXTLINE(cert-err34-c): a number that the kernel printed */
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes;
}

static void bench_memory(const struct datapath *datapath, const char *label)
{
	struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, datapath->select)
		bytes += memory_of(bpf_map__fd(map));
	printf(LABEL "%8.2f MiB\n", label, bytes / 1048576.0);
}

static void bench_commit(struct datapath *datapath, const char *label, const char *rules)
{
	double read[ROUNDS], written[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = seconds(CLOCK_MONOTONIC), middle;
		struct configuration *c = datapath_configuration(rules);

		middle = seconds(CLOCK_MONOTONIC);
		if (!c || tables_commit(datapath->tables, c, false))
			die("commit failed");
		written[i] = (seconds(CLOCK_MONOTONIC) - middle) * 1000;
		read[i] = (middle - start) * 1000;
		configuration_free(c);
	}
	printf(LABEL "%8.1f ms, reading the rules %.1f ms\n", label, median(written, ROUNDS),
	       median(read, ROUNDS));
}

static void bench_commits(struct datapath *datapath)
{
	char *four = rules_with_prefixes(4, "192.0.2.1", NULL),
	     *six = rules_with_prefixes(6, "2000::1", NULL);

	bench_commit(datapath, "a handful of filters",
		     "skip src 192.0.2.7\n"
		     "mirror proto tcp dst 10.0.0.0/8,2001:db8::/32 dst-port 80,443,8000-8100 to d0\n"
		     "mirror proto tcp tcp-flags syn/syn,ack sample 1/100 to d0\n"
		     "mirror proto udp port 53 to d0\n"
		     "mirror proto icmp,icmpv6 to d0");
	bench_memory(datapath, "memory with a handful");
	bench_commit(datapath, "64 filters with 20,000 IPv4 prefixes, the same again", four);
	bench_memory(datapath, "memory with 64 filters and 20,000 IPv4 prefixes");
	commit(datapath, "mirror to d0");
	bench_commit(datapath, "64 filters with 20,000 IPv6 prefixes, the same again", six);
	bench_memory(datapath, "memory with 64 filters and 20,000 IPv6 prefixes");
	free(four);
	free(six);
}

int main(int argc, char **argv)
{
	struct datapath *datapath = &fixture.datapath[INGRESS];

	if (argc > 1)
		repeat = strtol(argv[1], NULL, 10);
	if (fixture_enter(&fixture))
		return 1;
	empty_chain = build_load("select/tests/probe.bpf.o");
	if (!empty_chain || chain_to(bpf_object__find_map_fd_by_name(empty_chain, "chain"),
				     build_program(empty_chain, "probe_empty")))
		die("no empty chain");

	/* after us comes nothing, as after the empty program */
	for (int d = 0; d < DIRECTIONS; d++)
		bpf_map_delete_elem(datapath_map(&fixture.datapath[d], "jmp_table"), &(__u32){ 0 });
	printf("one packet, %u times, medians of %d rounds\n" LABEL "%8s %8s %8s\n", repeat, ROUNDS, "",
	       "empty", "with", "added");
	bench_packets(datapath);
	printf("\n" LABEL "%8s %8s\n", "on one CPU, and on two at once", "one", "two");
	bench_cpus(datapath);
	printf("\n");
	bench_commits(&fixture.datapath[EGRESS]);
	bpf_object__close(empty_chain);
	fixture_leave(&fixture);
	return 0;
}
