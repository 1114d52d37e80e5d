// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What `domain` and `first` cost a packet that is not copied, beside a copy of 128 bytes in the ring. `make
 * bench`, as root, on a machine with little else to do.
 *
 *   bench_flows [ROUNDS]     31 if not said
 */
#include "../select/tests/host_maps.h"
#include "measure.h"

#define BATCH 4000 /* packets: their records fit into the ring */
#define SETS 65536 /* of the flow table: 4 MiB */
#define LABEL "  %-52s"
#define MAX_FLOWS 65536
#define MAX_ROUNDS 1001

static struct fixture fixture;
static struct host_maps maps;
static struct bpf_object *draw; /* draws a flow, then the next program */
static unsigned int rounds = 31;

static const struct packet_spec spec = { .family = 4,
					 .proto = IPPROTO_TCP,
					 .src = "192.0.2.1",
					 .dst = "198.51.100.1",
					 .dst_port = 443,
					 .tcp_flags = 0x10,
					 .payload = 74 };

static int object_map(const char *name)
{
	return bpf_object__find_map_fd_by_name(draw, name);
}

/* Nanoseconds per packet of a chain of the drawing program and this one. */
static double run(int program, const struct packet *p)
{
	double ns;

	if (chain_to(object_map("bench_chain"), program))
		die("no chain");
	ns = measure_run(build_program(draw, "bench_draw"), p, BATCH);
	host_maps_records(&maps);
	return ns;
}

/* What our program adds to an empty one, which takes its turn in each round; flows: drawn at random. */
static double added(const char *label, __u32 flows, enum mirror_outcome outcome)
{
	struct datapath *datapath = &fixture.datapath[INGRESS];
	int empty = build_program(datapath->probe, "probe_empty");
	struct counters before, after;
	double with[MAX_ROUNDS];
	struct packet p;
	__u32 zero = 0;

	packet_build(&spec, &p);
	if (bpf_map_update_elem(object_map("bench_draws"), &zero, &flows, BPF_ANY))
		die("no number of flows");
	run(datapath->select_fd, &p);
	tables_counters(datapath->tables, &before);
	for (unsigned int i = 0; i < rounds; i++)
		with[i] = -run(empty, &p) + run(datapath->select_fd, &p);
	tables_counters(datapath->tables, &after);
	/* a few flows find their set full */
	if (after.outcome[outcome] - before.outcome[outcome] < rounds * (BATCH * 0.98))
		die(label);
	return median(with, rounds);
}

static void commit(const char *rules)
{
	if (host_maps_commit(&maps, INGRESS, rules))
		die(rules);
}

static void print(const char *label, double ns, double copy)
{
	printf(LABEL "%8.1f %8.2f\n", label, ns, ns / copy);
}

/* Every flow has a name that no filter accepts. */
static void decide_all(void)
{
	struct ref_flow flow = { .family = 4,
				 .proto = IPPROTO_TCP,
				 .end = { { { 192, 0, 2, 1 }, 0 }, { { 198, 51, 100, 1 }, 443 } } };

	for (unsigned int port = 0; port < MAX_FLOWS; port++) {
		flow.end[0].port = port;
		host_maps_decide(&maps, host_maps_hash(&flow), CLASS_FIRST);
	}
}

static double bench_copy(void)
{
	double copy;

	commit("mirror snaplen 128 dst-port 443");
	copy = added("a copy", 1, OUT_RING);
	print("a copy of 128 bytes in the ring", copy, copy);
	commit("mirror dst-port 80");
	print("no match by port", added("no match", 1, OUT_NO_MATCH), copy);
	return copy;
}

static void bench_names(double copy)
{
	commit("mirror domain a.example dst-port 443");
	decide_all();
	print("domain: a decided flow that is not wanted", added("one flow", 1, OUT_NO_MATCH), copy);
	print("the same, 1,024 flows at random", added("1,024 flows", 1024, OUT_NO_MATCH), copy);
	print("the same, 65,536 flows at random", added("65,536 flows", MAX_FLOWS, OUT_NO_MATCH), copy);
	host_maps_clear(&maps);
	print("domain: an undecided flow, copied for the sender", added("undecided", 1, OUT_UNDECIDED), copy);
}

/* The first packet of each flow is copied before. */
static void bench_first(double copy)
{
	struct packet p;
	__u32 zero = 0, flows = MAX_FLOWS;

	commit("mirror first 1 dst-port 443");
	packet_build(&spec, &p);
	bpf_map_update_elem(object_map("bench_draws"), &zero, &flows, BPF_ANY);
	for (int i = 0; i < 400; i++)
		run(fixture.datapath[INGRESS].select_fd, &p);
	print("first: a flow beyond its first bytes", added("one flow", 1, OUT_BEYOND_FIRST), copy);
	print("the same, 1,024 flows at random", added("1,024 flows", 1024, OUT_BEYOND_FIRST), copy);
	print("the same, 65,536 flows at random", added("65,536 flows", MAX_FLOWS, OUT_BEYOND_FIRST), copy);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "other.example" };
	double copy;

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (!rounds || rounds > MAX_ROUNDS)
		die("rounds: 1 to 1001");
	if (fixture_enter(&fixture) || host_maps_open(&maps, &fixture, SETS))
		return 1;
	draw = build_load("bench/bench.bpf.o");
	if (!draw)
		return 1;
	maps.n_names = 1;
	maps.names[0] = names[0];
	bpf_map_delete_elem(datapath_map(&fixture.datapath[INGRESS], "jmp_table"), &(__u32){ 0 });
	printf("one packet of 128 bytes, medians of %u rounds\n" LABEL "%8s %8s\n", rounds, "", "ns added",
	       "ratio");
	copy = bench_copy();
	bench_names(copy);
	bench_first(copy);
	bpf_object__close(draw);
	host_maps_close(&maps);
	fixture_leave(&fixture);
	return 0;
}
