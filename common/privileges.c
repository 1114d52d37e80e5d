// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "error_text.h"
#include "log.h"

int privileges_drop(uid_t user, gid_t group)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	bool root = !geteuid();
	const char *what = NULL;
	int err, needed = CAP_SETGID;

	if (root && setgroups(0, NULL))
		what = "groups";
	else if (root && setresgid(group, group, group))
		what = "the group";
	else if (root && (needed = CAP_SETUID, setresuid(user, user, user)))
		what = "the user";
	/*
	 * securebits may have kept what a change of the user takes away, and that leaves the inheritable ones
	 */
	else if (syscall(SYS_capset, &header, none))
		what = "capabilities";
	else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		what = "new privileges";
	else if (prctl(PR_SET_DUMPABLE, 0))
		what = "core dumps";
	if (!what)
		return 0;
	err = -errno;
	log_error("cannot give up %s: %s", what, error_text_without(err, needed));
	return err;
}
