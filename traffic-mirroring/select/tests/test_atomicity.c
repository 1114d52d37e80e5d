// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Commits under traffic: one thread sends a flow without pause, another one puts two rule sets in force in
 * turn. They agree on what becomes of the flow, and by other filters, values and prefixes: a packet that saw
 * parts of both would have another outcome.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "group.h"
#include "host_maps.h"

#define COMMITS 250 /* a commit that is not atomic shows within 20 */
#define DOMAIN_COMMITS 1000
#define BATCH 64 /* packets per system call: the sender looks up often enough to stop */

static const struct packet_spec flow = { .family = 4,
					 .proto = IPPROTO_TCP,
					 .src = "192.0.2.1",
					 .dst = "198.51.100.1",
					 .src_port = 40000,
					 .dst_port = 443 };

static const char *const accepting[] = {
	"skip dst-port 80\n"
	"skip src 192.0.2.0/28 proto udp\n"
	"mirror src 192.0.2.0/24 dst-port 443 to d0",

	"mirror src 192.0.2.0/31,10.0.0.0/8 proto tcp port 443 to d0\n"
	"mirror src 192.0.2.1/32 dst-port 80 to d0\n"
	"skip",
};

static const char *const rejecting[] = {
	"mirror dst-port 80 to d0\n"
	"skip src 192.0.2.0/28\n"
	"mirror src 192.0.2.0/24 dst-port 443 to d0",

	"skip src 192.0.2.1/32 proto tcp\n"
	"mirror src 192.0.2.0/31 dst-port 443 to d0\n"
	"mirror to d0",
};

/* The flow is of a.example. With the words of the other bank it would be skipped. */
static const char *const named[] = {
	"skip domain *.b.example,c.example\n"
	"mirror domain a.example to d0",

	"mirror domain a.example,c.example dst-port 443 to d0\n"
	"skip domain *.b.example,a.example",
};

struct sender {
	int prog_fd, cpu;
	atomic_bool stop;
	uint64_t sent;
	int error;
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *send_all_the_time(void *arg)
{
	struct sender *s = arg;
	struct packet p;

	pin(s->cpu);
	packet_build(&flow, &p);
	while (!atomic_load(&s->stop) && !s->error) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.data, .data_size_in = p.len,
			    .repeat = BATCH);

		s->error = bpf_prog_test_run_opts(s->prog_fd, &opts);
		s->sent += BATCH;
	}
	return NULL;
}

static uint32_t copies(void)
{
	struct probe_packet copy;
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fixture.copy_fd, &zero, &copy), 0);
	return copy.times;
}

static void alternate(struct tables *tables, struct configuration *const c[2], int commits)
{
	int error = 0;

	for (int i = 0; i < commits && !error; i++)
		error = tables_commit(tables, c[i % 2], false);
	assert_int_equal(error, 0);
}

/* Of every packet exactly the outcome, and of a copied one exactly one copy. The second one is in force. */
static void under_traffic(enum direction d, struct configuration *const c[2], int commits,
			  enum mirror_outcome outcome)
{
	struct datapath *datapath = &fixture.datapath[d];
	struct sender s = { .prog_fd = datapath->select_fd, .cpu = 1 };
	struct counters before, after;
	uint32_t copies_before = copies();
	pthread_t thread;

	assert_int_equal(tables_counters(datapath->tables, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_all_the_time, &s), 0);
	alternate(datapath->tables, c, commits);
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.error, 0);
	assert_int_equal(tables_counters(datapath->tables, &after), 0);
	printf("# %s: %d commits, %lu packets, %u copies\n", direction_names[d], commits, s.sent,
	       copies() - copies_before);
	assert_true(s.sent > (uint64_t)commits);
	assert_int_equal(copies() - copies_before, outcome == OUT_DEVICE ? s.sent : 0);
	for (int i = 0; i < OUT_COUNT; i++)
		assert_int_equal(after.outcome[i] - before.outcome[i], i == (int)outcome ? s.sent : 0);
}

static void rules_under_traffic(enum direction d, const char *const rules[2], enum mirror_outcome outcome)
{
	struct configuration *c[2] = { datapath_configuration(rules[0]), datapath_configuration(rules[1]) };

	assert_non_null(c[0]);
	assert_non_null(c[1]);
	assert_int_equal(tables_commit(fixture.datapath[d].tables, c[1], false), 0);
	under_traffic(d, c, COMMITS, outcome);
	configuration_free(c[0]);
	configuration_free(c[1]);
}

TEST(accepted_by_both)
{
	pin(0);
	rules_under_traffic(INGRESS, accepting, OUT_DEVICE);
}

TEST(rejected_by_both)
{
	pin(0);
	rules_under_traffic(EGRESS, rejecting, OUT_SKIPPED);
}

/* Each of the two has a bank of its own for all the time, and so do its words of the names. */
TEST(domains)
{
	const struct ref_flow of_packet = { .family = 4,
					    .proto = IPPROTO_TCP,
					    .end = { { { 192, 0, 2, 1 }, 40000 },
						     { { 198, 51, 100, 1 }, 443 } } };
	struct host_maps maps;
	struct configuration *c[2];

	assert_int_equal(host_maps_open(&maps, &fixture, 64), 0);
	maps.n_names = 3;
	maps.names[0] = "*.b.example";
	maps.names[1] = "a.example";
	maps.names[2] = "c.example";
	host_maps_decide(&maps, host_maps_hash(&of_packet), CLASS_FIRST + 1);
	for (int i = 0; i < 2; i++) {
		c[i] = host_maps_configuration(&maps, INGRESS, named[i]);
		assert_non_null(c[i]);
		assert_int_equal(host_maps_put(&maps, INGRESS, c[i]), 0);
	}
	pin(0);
	under_traffic(INGRESS, c, DOMAIN_COMMITS, OUT_DEVICE);
	configuration_free(c[0]);
	configuration_free(c[1]);
	host_maps_close(&maps);
}

#define CYCLES 10

/* Two rules that follow one another count each packet once, from 0 on, whose counter they ever get. */
TEST(new_rules_start_at_zero)
{
	struct datapath *datapath = &fixture.datapath[INGRESS];
	char rules[64];

	pin(0);
	for (int i = 0; i < CYCLES; i++) {
		struct sender s = { .prog_fd = datapath->select_fd, .cpu = 1 };
		uint64_t first, second;
		pthread_t thread;

		snprintf(rules, sizeof(rules), "skip dst-port 443 name first%d", i);
		assert_int_equal(datapath_commit(datapath, rules), 0);
		assert_int_equal(datapath_counts(datapath, 0).packets, 0);
		assert_int_equal(datapath_counts(datapath, 0).bytes, 0);
		assert_int_equal(pthread_create(&thread, NULL, send_all_the_time, &s), 0);
		snprintf(rules, sizeof(rules), "skip dst-port 443 name second%d", i);
		assert_int_equal(datapath_commit(datapath, rules), 0);
		usleep(1000);
		atomic_store(&s.stop, true);
		assert_int_equal(pthread_join(thread, NULL), 0);
		second = datapath_counts(datapath, 0).packets;
		tables_rollback(datapath->tables);
		first = datapath_counts(datapath, 0).packets;
		assert_int_equal(first + second, s.sent);
	}
}

/* A rule that stays, though not in its place, loses no count. */
TEST(rules_that_stay_keep_counts)
{
	struct datapath *datapath = &fixture.datapath[EGRESS];
	struct sender s = { .prog_fd = datapath->select_fd, .cpu = 1 };
	pthread_t thread;

	pin(0);
	assert_int_equal(datapath_commit(datapath, "skip dst-port 443"), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_all_the_time, &s), 0);
	for (int i = 0; i < CYCLES; i++) {
		assert_int_equal(datapath_commit(datapath, "mirror dst-port 80 to d0\nskip dst-port 443"), 0);
		assert_int_equal(datapath_commit(datapath, "skip dst-port 443\nmirror dst-port 81 to d0"), 0);
	}
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(datapath_counts(datapath, 0).packets, s.sent);
}

TEST_MAIN(group_enter, group_leave)
