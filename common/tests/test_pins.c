// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* In a mount namespace with a bpffs of its own. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../error_text.h"
#include "../pins.h"
#include "unit.h"

#define MAP "mirroring_ingress_config"

FIXTURE(new_bpffs)
{
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("bpf", BPFFS, "bpf", 0, NULL);
}

FIXTURE(fresh_bpffs)
{
	return umount(BPFFS) || mount("bpf", BPFFS, "bpf", 0, NULL);
}

static void pin(const char *dir)
{
	char path[PATH_MAX + 64];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "test", 4, 4, 1, NULL);

	assert_true(fd >= 0);
	assert_int_equal(pins_mkdir(dir), 0);
	snprintf(path, sizeof(path), "%s/" MAP, dir);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
}

TEST(layouts)
{
	char long_name[PATH_MAX];
	struct pins pins;

	assert_int_equal(pins_of(&pins, "eth0", "traffic-mirroring", NULL), 0);
	assert_string_equal(pins.maps, "/sys/fs/bpf/tc/globals/eth0");
	assert_string_equal(pins.progs, "/sys/fs/bpf/progs/eth0");
	assert_int_equal(pins_of(&pins, "eth0.7", "traffic-mirroring", "1.2.3"), 0);
	assert_string_equal(pins.maps, "/sys/fs/bpf/tc/globals/eth0.7/traffic-mirroring/1_2_3");
	assert_string_equal(pins.progs, "/sys/fs/bpf/progs/eth0.7/traffic-mirroring/1_2_3");

	/* no name leads out of its place */
	assert_int_equal(pins_of(&pins, "..", "p", NULL), -EINVAL);
	assert_int_equal(pins_of(&pins, "", "p", NULL), -EINVAL);
	assert_int_equal(pins_of(&pins, "eth0", "p", "../../x"), -EINVAL);
	assert_int_equal(pins_of(&pins, "eth0", "p", ""), -EINVAL);
	assert_int_equal(pins_of(&pins, "eth0", "a/b", "1"), -EINVAL);

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(pins_of(&pins, long_name, "p", NULL), -ENAMETOOLONG);
	assert_int_equal(pins_of(&pins, "eth0", "p", long_name), -ENAMETOOLONG);
	assert_int_equal(pins_of(&pins, "eth0", long_name, "1"), -ENAMETOOLONG);
}

static void found(const char *version, const char *maps)
{
	struct pins pins;

	assert_int_equal(pins_find(&pins, "eth0", version, MAP), 0);
	assert_string_equal(pins.maps, maps);
}

TEST_AFTER(finding, fresh_bpffs)
{
	struct pins pins;

	assert_int_equal(pins_find(&pins, "eth0", NULL, MAP), -ENOENT);
	assert_int_equal(pins_find(&pins, "eth0", "latest", MAP), -ENOENT);

	/* one package, one version: found without naming either */
	pin(BPFFS "/tc/globals/eth0/my-mirror/1_0");
	pin(BPFFS "/tc/globals/eth1/other/9");
	found(NULL, BPFFS "/tc/globals/eth0/my-mirror/1_0");
	found("1.0", BPFFS "/tc/globals/eth0/my-mirror/1_0");
	found("1_0", BPFFS "/tc/globals/eth0/my-mirror/1_0");
	assert_int_equal(pins_find(&pins, "eth0", "2.0", MAP), -ENOENT);
	assert_int_equal(pins_find(&pins, "eth0", "1.0", "no_such_map"), -ENOENT);

	/* two versions */
	pin(BPFFS "/tc/globals/eth0/my-mirror/2_0");
	assert_int_equal(pins_find(&pins, "eth0", NULL, MAP), -ENOTUNIQ);
	found("2.0", BPFFS "/tc/globals/eth0/my-mirror/2_0");

	/* the same version of two packages */
	pin(BPFFS "/tc/globals/eth0/another/2_0");
	assert_int_equal(pins_find(&pins, "eth0", "2.0", MAP), -ENOTUNIQ);

	/* the flat layout, with versions beside it */
	pin(BPFFS "/tc/globals/eth0");
	found(NULL, BPFFS "/tc/globals/eth0");
	found("1.0", BPFFS "/tc/globals/eth0/my-mirror/1_0");
	found("3.0", BPFFS "/tc/globals/eth0");
}

static int list(void *ctx, const struct pins *pins, int err)
{
	char *text = ctx;

	if (pins_hold(pins, MAP) > 0 || err)
		sprintf(text + strlen(text), "%s/%s %d\n", pins->iface, pins->version, err);
	return 0;
}

TEST_AFTER(walking, fresh_bpffs)
{
	char text[512] = "";

	assert_int_equal(pins_each(NULL, list, text), 0);
	assert_string_equal(text, "");
	pin(BPFFS "/tc/globals/eth1");
	pin(BPFFS "/tc/globals/eth0/b/2_0");
	pin(BPFFS "/tc/globals/eth0/a/1_0");
	pin(BPFFS "/tc/globals/eth0");
	assert_int_equal(pins_each(NULL, list, text), 0);
	assert_string_equal(text, "eth0/ 0\neth0/1_0 0\neth0/2_0 0\neth1/ 0\n");
	text[0] = '\0';
	assert_int_equal(pins_each("eth1", list, text), 0);
	assert_string_equal(text, "eth1/ 0\n");
}

/* Root without CAP_DAC_OVERRIDE is an owner like any other. */
TEST_AFTER(unreadable, fresh_bpffs)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3], less[_LINUX_CAPABILITY_U32S_3];
	char text[512] = "";
	struct pins pins;

	pin(BPFFS "/tc/globals/eth0/a/1_0");
	pin(BPFFS "/tc/globals/eth1");
	assert_int_equal(chmod(BPFFS "/tc/globals/eth0/a", 0), 0);
	assert_int_equal(syscall(SYS_capget, &header, held), 0);
	memcpy(less, held, sizeof(less));
	less[0].effective &= ~(1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH);
	assert_int_equal(syscall(SYS_capset, &header, less), 0);
	assert_int_equal(pins_find(&pins, "eth0", NULL, MAP), -EACCES);
	assert_int_equal(pins_find(&pins, "eth0", "2.0", MAP), -EACCES);
	assert_int_equal(pins_find(&pins, "eth1", NULL, MAP), 0);
	assert_int_equal(pins_each(NULL, list, text), 0);
	assert_string_equal(text, "eth0/ -13\neth1/ 0\n");
	assert_string_equal(error_text(-EACCES), "Permission denied without CAP_DAC_OVERRIDE");
	assert_string_equal(error_text(-ENOENT), "No such file or directory");
	assert_int_equal(syscall(SYS_capset, &header, held), 0);
}

TEST_AFTER(directories, fresh_bpffs)
{
	struct stat st;

	assert_int_equal(pins_mkdir(BPFFS "/tc/globals/eth0/a/b"), 0);
	assert_int_equal(pins_mkdir(BPFFS "/tc/globals/eth0/a/b"), 0);
	assert_int_equal(stat(BPFFS "/tc/globals/eth0/a/b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(pins_mkdir("/tmp/not-on-bpffs"), -EINVAL);
	assert_int_equal(pins_mkdir(BPFFS "-other/a"), -EINVAL);
	assert_int_equal(pins_mkdir(BPFFS "/a.dot"), -EPERM); /* bpffs refuses it */

	assert_true(pins_on_bpffs(BPFFS "/tc"));
	assert_false(pins_on_bpffs("/tmp"));
	assert_false(pins_on_bpffs(BPFFS "/none"));

	assert_int_equal(pins_mkdir(BPFFS "/tc/globals/eth1"), 0);
	pins_prune(BPFFS "/tc/globals/eth0/a/b/gone");
	assert_int_equal(access(BPFFS "/tc/globals/eth0", F_OK), -1);
	assert_int_equal(access(BPFFS "/tc/globals/eth1", F_OK), 0);
	pins_prune(BPFFS "/tc/globals/eth1");
	assert_int_equal(access(BPFFS "/tc", F_OK), -1);
	assert_int_equal(access(BPFFS, F_OK), 0);
}

TEST_MAIN(new_bpffs, NULL)
