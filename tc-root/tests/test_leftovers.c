// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * tc_root beside users of TCX, and after l3afd main, which attaches by TCX links: what bpftool and tc of the
 * distributions in the field cannot set up. In network and mount namespaces of its own.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/chain.h"
#include "../../common/pins.h"
#include "../../common/tests/unit.h"

enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };

#define LINKS BPFFS "/links/near/tc-root/latest"

static char build[PATH_MAX]; /* build/tc-root, where the tests lie too */
static char output[8192]; /* of the last command */

/* Runs a command; its output and errors go to output. Returns its exit status. */
static int run(const char *format, ...)
{
	char command[2 * PATH_MAX] = "exec 2>&1; ";
	size_t n = strlen(command);
	va_list args;
	FILE *pipe;
	int status;

	va_start(args, format);
	vsnprintf(command + n, sizeof(command) - n, format, args);
	va_end(args);
	print_message("$ %s\n", command + n);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	n = fread(output, 1, sizeof(output) - 1, pipe);
	output[n] = '\0';
	print_message("%s", output);
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int tc_root(const char *words)
{
	return run("timeout 20 %s/tc_root %s --iface near", build, words);
}

FIXTURE(fresh_lab)
{
	return run(
		"umount " BPFFS "; mount -t bpf bpf " BPFFS " && { ip link del near; "
		"ip link add near type veth peer name far && ip link set near up && ip link set far up; }");
}

FIXTURE(new_namespaces)
{
	ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	if (n < 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	for (int up = 0; up < 2; up++) /* build/tc-root/tests/test_leftovers */
		*strrchr(build, '/') = '\0';
	return run("ip link set lo up");
}

static struct bpf_object *load(const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = "/sys/fs/bpf/elsewhere");
	char path[2 * PATH_MAX];
	struct bpf_object *object;

	snprintf(path, sizeof(path), "%s/%s", build, name);
	object = bpf_object__open_file(path, &options);
	assert_non_null(object);
	assert_int_equal(bpf_object__load(object), 0);
	return object;
}

static int program(const struct bpf_object *object, const char *name)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(object, name));

	assert_true(fd >= 0);
	return fd;
}

static int try_tcx(int prog_fd, int type)
{
	return bpf_link_create(prog_fd, (int)if_nametoindex("near"), (enum bpf_attach_type)type, NULL);
}

static int attach_tcx(int prog_fd, int type)
{
	int fd = try_tcx(prog_fd, type);

	assert_true(fd >= 0);
	return fd;
}

/* Skips the test on kernels before 6.6. */
static void requires_tcx(void)
{
	struct bpf_object *object = load("tests/count.bpf.o");
	int fd = try_tcx(program(object, "count_packets_and_go_on"), TCX_INGRESS);

	bpf_object__close(object);
	if (fd == -EINVAL) {
		print_message("# this kernel has no TCX\n");
		skip();
	}
	assert_true(fd >= 0);
	close(fd);
}

static uint64_t counted(const struct bpf_object *object)
{
	uint32_t key = 0;
	uint64_t n;

	assert_int_equal(bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(object, "packets"), &key, &n),
			 0);
	return n;
}

/* Root and counter run one after the other, whatever way each is attached. */
TEST_AFTER(beside_a_tcx_user, fresh_lab)
{
	struct bpf_object *user, *chained;
	uint64_t before_user, before_chained;
	int in, out, chain_map, next;
	uint32_t key = 0;

	requires_tcx();
	user = load("tests/count.bpf.o");
	chained = load("tests/count.bpf.o");
	in = attach_tcx(program(user, "count_packets_and_go_on"), TCX_INGRESS);
	out = attach_tcx(program(user, "count_packets_and_go_on"), TCX_EGRESS);
	next = program(chained, "count_packets_and_go_on");
	assert_int_equal(tc_root("start"), 0);
	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		char path[128];

		snprintf(path, sizeof(path), BPFFS "/tc/globals/near/tc_%s_root_array", direction_names[d]);
		chain_map = bpf_obj_get(path);
		assert_int_equal(bpf_map_update_elem(chain_map, &key, &next, BPF_ANY), 0);
		close(chain_map);
	}
	before_user = counted(user);
	before_chained = counted(chained);
	/* echo requests that nobody answers */
	run("ip addr add 192.0.2.1/24 dev near; ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near; "
	    "ping -c 2 -i 0.2 -W 1 192.0.2.9");
	assert_true(counted(user) >= before_user + 2);
	assert_true(counted(chained) >= before_chained + 2);

	assert_int_equal(tc_root("stop"), 0);
	before_user = counted(user);
	run("ping -c 2 -i 0.2 -W 1 192.0.2.9");
	assert_true(counted(user) >= before_user + 2); /* the user is still there */
	close(in);
	close(out);
	bpf_object__close(user);
	bpf_object__close(chained);
}

/*
 * What l3afd main leaves: roots by TCX links, all pinned in the versioned layout. The fds end with this
 * process.
 */
static void leave_versioned(void)
{
	assert_int_equal(pins_mkdir(LINKS), 0);
	assert_int_equal(pins_mkdir(BPFFS "/progs/near/tc-root/latest"), 0);
	assert_int_equal(pins_mkdir(BPFFS "/tc/globals/near/tc-root/latest"), 0);
	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		char name[64], path[256];
		struct bpf_object *root;
		int fd, link;

		snprintf(name, sizeof(name), "tc_root_%s.bpf.o", direction_names[d]);
		root = load(name);
		snprintf(name, sizeof(name), "tc_%s_root", direction_names[d]);
		fd = program(root, name);
		snprintf(path, sizeof(path), BPFFS "/progs/near/tc-root/latest/%s_tc", name);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
		link = attach_tcx(fd, d == INGRESS ? TCX_INGRESS : TCX_EGRESS);
		snprintf(path, sizeof(path), LINKS "/tc-root_tc_%s", direction_names[d]);
		assert_int_equal(bpf_obj_pin(link, path), 0);
		snprintf(name, sizeof(name), "tc_%s_root_array", direction_names[d]);
		snprintf(path, sizeof(path), BPFFS "/tc/globals/near/tc-root/latest/%s", name);
		assert_int_equal(bpf_obj_pin(bpf_object__find_map_fd_by_name(root, name), path), 0);
		close(link);
		bpf_object__close(root);
	}
	run("rm -r " BPFFS "/elsewhere");
}

static void assert_nothing_left(void)
{
	struct chain_root roots[CHAIN_ROOTS];
	size_t n;

	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		assert_int_equal(chain_roots((int)if_nametoindex("near"), d, roots, &n), 0);
		assert_int_equal(n, 0);
	}
	assert_int_equal(run("find " BPFFS " | grep near"), 1);
}

TEST_AFTER(leftovers_of_l3afd_main, fresh_lab)
{
	struct bpf_link_info info = { 0 };
	struct bpf_object *user;
	__u32 size = sizeof(info);
	int link;

	requires_tcx();
	user = load("tests/count.bpf.o");
	link = attach_tcx(program(user, "count_packets_and_go_on"), TCX_INGRESS);
	leave_versioned();
	assert_int_equal(tc_root("status"), 0);
	assert_non_null(strstr(output, "near ingress: tc_ingress_root (tcx, program "));
	assert_int_equal(tc_root("start"), 1);
	assert_non_null(strstr(output, "is pinned elsewhere; `tc_root stop` removes it\n"));

	assert_int_equal(tc_root("stop"), 0);
	assert_non_null(
		strstr(output, "near ingress: removed the TCX attachment of tc_ingress_root (program "));
	assert_non_null(
		strstr(output, "near egress: removed the TCX attachment of tc_egress_root (program "));
	assert_non_null(strstr(output, " at " LINKS "/tc-root_tc_ingress\n"));
	assert_non_null(strstr(output, " at " BPFFS "/progs/near/tc-root/latest/tc_egress_root_tc\n"));
	assert_non_null(
		strstr(output, " at " BPFFS "/tc/globals/near/tc-root/latest/tc_egress_root_array\n"));
	assert_nothing_left();

	/* somebody else's link is where it was */
	assert_int_equal(bpf_obj_get_info_by_fd(link, &info, &size), 0);
	assert_int_equal(info.xdp.ifindex, if_nametoindex("near")); /* TCX keeps it at the same place */
	close(link);
	bpf_object__close(user);

	assert_int_equal(tc_root("start"), 0);
	assert_int_equal(tc_root("stop"), 0);
	assert_nothing_left();
}

/* A process that holds the one object until it is ended. */
static pid_t hold(int fd)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come to end() */
		dup2(fd, 200);
		dup2(ready[1], 201);
		for (int other = 3; other < 200; other++)
			close(other);
		if (write(201, "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(fd);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void refused_while_held(const char *path, const char *kind)
{
	char expected[128];
	int fd = bpf_obj_get(path);
	pid_t pid;

	assert_true(fd >= 0);
	pid = hold(fd);
	snprintf(expected, sizeof(expected), "tc_root: near: process %d (test_leftovers) holds root %s ", pid,
		 kind);
	assert_int_equal(tc_root("stop"), 1);
	assert_memory_equal(output, expected, strlen(expected));
	assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
	assert_int_equal(tc_root("status"), 0); /* nothing was removed */

	assert_int_equal(tc_root("stop --force"), 0);
	assert_nothing_left();
	end(pid);
}

TEST_AFTER(held_by_a_process, fresh_lab)
{
	static const struct {
		const char *path, *kind;
	} cases[] = {
		{ LINKS "/tc-root_tc_ingress", "link" },
		{ BPFFS "/progs/near/tc-root/latest/tc_egress_root_tc", "program" },
		{ BPFFS "/tc/globals/near/tc-root/latest/tc_ingress_root_array", "map" },
	};
	pid_t pid;

	requires_tcx();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		leave_versioned();
		refused_while_held(cases[i].path, cases[i].kind);
	}
	/* whatever the layout */
	assert_int_equal(tc_root("start"), 0);
	refused_while_held(BPFFS "/progs/near/tc_ingress_root_tc", "program");
	/* pins are enough to know a root that is not attached any more */
	assert_int_equal(tc_root("start"), 0);
	run("tc qdisc del dev near clsact");
	pid = hold(bpf_obj_get(BPFFS "/tc/globals/near/tc_egress_root_array"));
	assert_int_equal(tc_root("stop"), 1);
	end(pid);
	/* a map that is not a root's may be open: by a sender, say; it stays, as no program here uses it */
	assert_int_equal(run("bpftool map create " BPFFS "/tc/globals/near/mirroring_ingress_config "
			     "type array key 4 value 8 entries 1 name mirroring_config"),
			 0);
	pid = hold(bpf_obj_get(BPFFS "/tc/globals/near/mirroring_ingress_config"));
	assert_int_equal(tc_root("stop"), 0);
	run("rm -r " BPFFS "/tc/globals/near");
	assert_nothing_left();
	end(pid);
}

TEST_MAIN(new_namespaces, NULL)
