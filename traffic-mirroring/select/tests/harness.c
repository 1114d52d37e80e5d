// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "harness.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../updater/counters.h"
#include "../../updater/maps.h"
#include "../../updater/rules.h"
#include "packets.h"

#define GSO_SIZE 100

int fixture_failed(const char *what)
{
	int error = errno ?: EINVAL;

	fprintf(stderr, "# %s: %s\n", what, strerror(error));
	return -error;
}

static void build_path(char *path, size_t size, const char *file)
{
	char self[PATH_MAX] = "";

	/* build/traffic-mirroring, where the objects lie: a test or benchmark is somewhere below it */
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		perror("/proc/self/exe");
	while (strcmp(strrchr(self, '/') ?: "", "/traffic-mirroring") && *self)
		*(strrchr(self, '/') ?: self) = '\0';
	snprintf(path, size, "%s/%s", self, file);
}

struct bpf_object *build_load(const char *file)
{
	char path[PATH_MAX];
	struct bpf_object *object;
	struct bpf_map *map;

	build_path(path, sizeof(path), file);
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		fixture_failed(path);
		return NULL;
	}
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	if (bpf_object__load(object)) {
		fixture_failed(path);
		bpf_object__close(object);
		return NULL;
	}
	return object;
}

int build_program(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(object, name);

	return p ? bpf_program__fd(p) : -ENOENT;
}

int chain_to(int map_fd, int prog_fd)
{
	__u32 zero = 0;

	return bpf_map_update_elem(map_fd, &zero, &prog_fd, BPF_ANY);
}

static int tun_open(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fixture_failed("/dev/net/tun");
	strcpy(request.ifr_name, name);
	if (ioctl(fd, TUNSETIFF, &request)) {
		int error = fixture_failed("TUNSETIFF");

		close(fd);
		return error;
	}
	return fd;
}

int datapath_map(const struct datapath *datapath, const char *name)
{
	char full[64];
	int fd;

	snprintf(full, sizeof(full), MAP_PIN_NAME, direction_names[datapath->direction], name);
	fd = bpf_object__find_map_fd_by_name(datapath->select, full);
	return fd < 0 ? -ENOENT : fd;
}

static int tables_map(void *ctx, const char *name)
{
	int fd = datapath_map(ctx, name);

	if (fd < 0)
		return fd;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static void datapath_close(struct datapath *datapath)
{
	tables_close(datapath->tables);
	bpf_object__close(datapath->select);
	bpf_object__close(datapath->probe);
	*datapath = (struct datapath){ 0 };
}

static int datapath_open(struct datapath *datapath, struct fixture *fixture, enum direction direction)
{
	char file[64], entry[64];
	int error = 0;

	*datapath = (struct datapath){ .fixture = fixture, .direction = direction };
	snprintf(file, sizeof(file), "mirroring_%s.bpf.o", direction_names[direction]);
	snprintf(entry, sizeof(entry), "_%s_redirect", direction_names[direction]);
	datapath->select = build_load(file);
	datapath->probe = build_load("select/tests/probe.bpf.o");
	if (!datapath->select || !datapath->probe) {
		datapath_close(datapath);
		return -ENOENT;
	}
	datapath->tables = tables_open(tables_map, datapath, "", &error);
	datapath->first_fd = build_program(datapath->probe, "probe_before");
	datapath->select_fd = build_program(datapath->select, entry);
	datapath->setup_fd = bpf_object__find_map_fd_by_name(datapath->probe, "setup");
	datapath->before_fd = bpf_object__find_map_fd_by_name(datapath->probe, "before");
	datapath->after_fd = bpf_object__find_map_fd_by_name(datapath->probe, "after");
	datapath->cpus_fd = datapath_map(datapath, "cpus");
	if (!datapath->tables ||
	    chain_to(bpf_object__find_map_fd_by_name(datapath->probe, "chain"), datapath->select_fd) ||
	    chain_to(datapath_map(datapath, "jmp_table"), build_program(datapath->probe, "probe_after"))) {
		error = fixture_failed("the chain of a datapath");
		datapath_close(datapath);
	}
	return error;
}

int fixture_enter(struct fixture *fixture)
{
	static const char *const names[FIXTURE_DEVICES] = { "d0", "d1", "d2", "t0" };

	if (unshare(CLONE_NEWNET))
		return fixture_failed("a network namespace");
	fixture->tun = tun_open(names[DEVICE_L3]);
	if (fixture->tun < 0)
		return fixture->tun;
	/*
	 * an ifb swallows what is sent to it, unless a tc action did it; and without IPv6 no device sends by
	 * itself
	 */
	if (system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; echo 1 "
		   ">/proc/sys/net/ipv6/conf/all/disable_ipv6;"
		   "ip link set lo up && for d in d0 d1 d2; do ip link add $d type ifb || exit; done &&"
		   "for d in d0 d1 d2 t0; do ip link set $d up || exit; done"))
		return fixture_failed("devices");
	fixture->probe = build_load("select/tests/probe.bpf.o");
	if (!fixture->probe)
		return -ENOENT;
	fixture->copy_fd = bpf_object__find_map_fd_by_name(fixture->probe, "copy");
	for (int i = 0; i < FIXTURE_DEVICES; i++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(names[i]),
			    .attach_point = BPF_TC_EGRESS);
		LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = build_program(fixture->probe, "probe_copy"));

		fixture->device[i].name = names[i];
		fixture->device[i].ifindex = hook.ifindex;
		fixture->device[i].l3 = i == DEVICE_L3;
		if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
			return fixture_failed("the probe of copies");
	}
	return datapath_open(&fixture->datapath[INGRESS], fixture, INGRESS) ?:
		       datapath_open(&fixture->datapath[EGRESS], fixture, EGRESS);
}

void fixture_leave(struct fixture *fixture)
{
	for (int d = 0; d < DIRECTIONS; d++)
		datapath_close(&fixture->datapath[d]);
	bpf_object__close(fixture->probe);
	close(fixture->tun);
}

static bool is_l3(const char *name)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		perror(name);
	close(fd);
	return request.ifr_hwaddr.sa_family != ARPHRD_ETHER;
}

struct configuration *datapath_configuration(const char *rules)
{
	struct configuration *c = configuration_new();

	if (!c || rules_parse("rules", rules, c->filters)) {
		configuration_free(c);
		return NULL;
	}
	for (size_t i = 0; i < c->filters->n; i++) {
		const struct filter *f = &c->filters->at[i];
		struct mirror_filter *row = &c->rows[i];

		*row = filter_row(f);
		row->devices = f->n_to;
		for (size_t d = 0; d < f->n_to; d++) {
			struct mirror_device *device = &row->device[d];

			memcpy(device->name, f->to[d].text, sizeof(device->name) - 1);
			device->ifindex = if_nametoindex(device->name);
			device->l3 = device->ifindex && is_l3(device->name);
		}
	}
	return c;
}

int datapath_commit(struct datapath *datapath, const char *rules)
{
	struct configuration *c = datapath_configuration(rules), *before = configuration_new();
	int error = c && before ? tables_read(datapath->tables, before) : -EINVAL;

	if (!error)
		error = counters_keep(before->filters, before->rows, c);
	if (!error)
		error = tables_commit(datapath->tables, c, false);
	configuration_free(before);
	configuration_free(c);
	return error;
}

static const struct mirror_filter *rows_in_force(const struct datapath *datapath)
{
	const struct tables *t = datapath->tables;

	return &t->filters[tables_config(t).bank * MIRROR_MAX_FILTERS];
}

__u32 datapath_counter(const struct datapath *datapath, size_t filter)
{
	return rows_in_force(datapath)[filter].counter;
}

struct filter_counts datapath_counts(const struct datapath *datapath, size_t filter)
{
	struct counters counters;

	if (tables_counters(datapath->tables, &counters))
		return (struct filter_counts){ UINT64_MAX, UINT64_MAX };
	return filter_counts(&counters, &rows_in_force(datapath)[filter]);
}

int fixture_commit(struct fixture *fixture, const char *rules)
{
	return datapath_commit(&fixture->datapath[INGRESS], rules) ?:
		       datapath_commit(&fixture->datapath[EGRESS], rules);
}

int datapath_switch(struct datapath *datapath, bool on)
{
	struct mirror_config config;
	__u32 zero = 0;
	int fd = datapath_map(datapath, "config");

	if (bpf_map_lookup_elem(fd, &zero, &config))
		return fixture_failed("config");
	config.off = !on;
	return bpf_map_update_elem(fd, &zero, &config, BPF_ANY) ? fixture_failed("config") : 0;
}

/* The filter that has a counter, by index; -1: none. */
static int filter_of(const struct datapath *datapath, __u32 counter)
{
	const struct mirror_filter *rows = rows_in_force(datapath);

	for (int i = 0; i < MIRROR_MAX_FILTERS; i++)
		if (rows[i].counter == counter)
			return i;
	return -1;
}

/*
 * What was counted, over all CPUs; nothing was pending before the packet, and one packet is too few to be
 * flushed.
 */
static int read_pending(const struct datapath *datapath, struct datapath_result *result)
{
	int cpus = libbpf_num_possible_cpus();
	struct mirror_cpu at[cpus];
	__u32 zero = 0;

	if (bpf_map_lookup_elem(datapath->cpus_fd, &zero, at))
		return fixture_failed("pending counters");
	result->filter = -1;
	for (int cpu = 0; cpu < cpus; cpu++) {
		const struct mirror_pending *pending = &at[cpu].pending;

		for (int i = 0; i < OUT_COUNT; i++) {
			if (pending->outcome[i])
				result->outcome = i;
			result->outcomes += pending->outcome[i];
		}
		for (int i = 0; i < MIRROR_COUNTERS; i++) {
			if (pending->packets[i])
				result->filter = filter_of(datapath, i + 1);
			result->filters += pending->packets[i];
			result->bytes += pending->bytes[i];
		}
	}
	return 0;
}

int datapath_clear(const struct datapath *datapath)
{
	static const struct probe_packet none;
	struct mirror_cpu at[libbpf_num_possible_cpus()];
	__u32 zero = 0;

	memset(at, 0, sizeof(at));
	if (bpf_map_update_elem(datapath->cpus_fd, &zero, at, BPF_ANY) ||
	    bpf_map_update_elem(datapath->before_fd, &zero, &none, BPF_ANY) ||
	    bpf_map_update_elem(datapath->after_fd, &zero, &none, BPF_ANY) ||
	    bpf_map_update_elem(datapath->fixture->copy_fd, &zero, &none, BPF_ANY))
		return fixture_failed("clearing the records");
	return 0;
}

int datapath_read(const struct datapath *datapath, struct datapath_result *result)
{
	__u32 zero = 0;

	*result = (struct datapath_result){ 0 };
	if (bpf_map_lookup_elem(datapath->before_fd, &zero, &result->before) ||
	    bpf_map_lookup_elem(datapath->after_fd, &zero, &result->after) ||
	    bpf_map_lookup_elem(datapath->fixture->copy_fd, &zero, &result->copy))
		return fixture_failed("records of the probe");
	return read_pending(datapath, result);
}

bool datapath_passed(const struct datapath_result *result)
{
	return result->after.times == 1 && !memcmp(&result->after, &result->before, sizeof(result->after));
}

int datapath_run(struct datapath *datapath, const struct ref_packet *packet, struct datapath_result *result)
{
	struct probe_setup setup = { .tagged = packet->tagged, .tci = packet->tci, .verdict = CHAIN_VERDICT };
	struct __sk_buff in = {
		.mark = packet->mark, .priority = 16, .tstamp = 17, .cb = { 11, 12, 13, 14, 15 }
	};
	struct __sk_buff out = { 0 };
	uint8_t data[PACKET_MAX + 64], scrap[PACKET_MAX];
	__u32 zero = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data, .data_size_in = packet->len,
		    .data_out = data, .data_size_out = sizeof(data), .ctx_in = &in, .ctx_size_in = sizeof(in),
		    .ctx_out = &out, .ctx_size_out = sizeof(out));
	int error;

	if (packet->gso) {
		in.gso_size = GSO_SIZE;
		in.gso_segs = 2;
	}
	if (bpf_map_update_elem(datapath->setup_fd, &zero, &setup, BPF_ANY))
		return fixture_failed("setup");
	error = datapath_clear(datapath);
	if (error)
		return error;
	/* what is in the device's queue after this came from this packet */
	while (read(datapath->fixture->tun, scrap, sizeof(scrap)) > 0)
		;
	if (bpf_prog_test_run_opts(datapath->first_fd, &opts))
		return fixture_failed("BPF_PROG_TEST_RUN");
	error = datapath_read(datapath, result);
	result->verdict = opts.retval;
	result->unchanged = opts.data_size_out == packet->len && !memcmp(data, packet->data, packet->len) &&
			    out.mark == in.mark && out.priority == in.priority && out.tstamp == in.tstamp &&
			    !memcmp(out.cb, in.cb, sizeof(in.cb)) && datapath_passed(result);
	return error;
}
