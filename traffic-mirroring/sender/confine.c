// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "confine.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "../../common/log.h"

/* clock_gettime() and time() are system calls where the clock source has no vDSO. */
static const int calls[] = {
	/* waiting; restart_syscall continues a sleep after SIGSTOP and SIGCONT */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	/* copies, errors that the network reports, routes and links */
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(socket),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getpid),
	/* signals as records, the log */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo), /* qsort() asks how much there is */
	/* the end */
	SCMP_SYS(rt_sigprocmask), /* of a thread */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static int fill(scmp_filter_ctx list)
{
	/* without the processor's slow mode that kernels before 5.16 add to a list */
	int err = seccomp_attr_set(list, SCMP_FLTATR_CTL_SSB, 1);

	if (!err)
		err = seccomp_attr_set(list, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !err; i++)
		err = seccomp_rule_add(list, SCMP_ACT_ALLOW, calls[i], 0);
	if (!err)
		err = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, SIOCGIFNAME, 0));
	if (!err)
		err = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!err) /* malloc() in a thread */
		err = seccomp_rule_add(list, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err ? err : seccomp_load(list);
}

int confine(void)
{
	scmp_filter_ctx list = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err = list ? 0 : -ENOMEM;

	tzset(); /* the log's time zone is read from a file */
	if (!err)
		err = fill(list);
	seccomp_release(list);
	if (err)
		log_error("cannot restrict the system calls: %s", strerror(-err));
	return err;
}
