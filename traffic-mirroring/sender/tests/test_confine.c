// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* In children, since the list cannot be taken back. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../common/tests/unit.h"
#include "../../host/names.h"
#include "../confine.h"

/* The status of a child that makes one system call once it is confined. */
static int status_after(long call, long a, long b, long c, long d)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		if (!confine())
			syscall(call, a, b, c, d, -1, 0);
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

TEST(others_end_the_process)
{
	static const long calls[] = { SYS_kill, SYS_execve, SYS_openat, SYS_ptrace, SYS_bpf, SYS_setuid };
	int status;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		status = status_after(calls[i], 0, 0, 0, 0);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	}
	status = status_after(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

TEST(its_own_work)
{
	assert_int_equal(status_after(SYS_sendmmsg, -1, 0, 0, 0), 0);
	assert_int_equal(status_after(SYS_restart_syscall, 0, 0, 0, 0), 0);
	assert_int_equal(status_after(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS), 0);
}

TEST(index_of_names)
{
	static struct mirror_name names[MIRROR_MAX_CLASSES];
	pid_t child = fork();
	int status;

	if (!child) {
		for (size_t class = CLASS_FIRST; class < MIRROR_MAX_CLASSES; class ++)
			names[class] =
				(struct mirror_name){ .len = 2, .text = { class % 26 + 'a', class / 26 } };
		if (!confine())
			free(names_index(names));
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

TEST_MAIN(NULL, NULL)
