// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sender_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/error_text.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "../../common/self.h"

#define SENDER_SECONDS 5
#define POLL_MS 5
#define PATIENCE_MS 2000 /* for one that has no processor, or is being traced */

/* The pid of the sender that holds a lock; 0: none; a negative errno, after log_error(): nobody knows. */
static long running(const char *lock)
{
	long pid = lock_holder(lock);

	if (pid == -ENOENT)
		return 0;
	if (pid < 0)
		log_error("cannot find mirror-sender: %s", error_text(pid));
	return pid;
}

/* What a signal says, to a sender of this layout outside this PID namespace. 0 takes it back. */
static int ask(const char *lock, int signal)
{
	struct shared shared;
	int err = signal == SIGKILL || strcmp(lock, HOST_SENDER_LOCK) ? -EPERM : shared_open(&shared);

	if (err)
		return err;
	__atomic_store_n(&shared.state->ask, signal, __ATOMIC_RELAXED);
	shared_close(&shared);
	return 0;
}

/* One that is not seen may be one that was seen, or the other way round, if /proc failed once. */
static bool is_another(long pid, long before)
{
	return pid != before && pid != LOCK_HOLDER_UNSEEN && before != LOCK_HOLDER_UNSEEN;
}

/* 0, also if it has ended already; -ETIMEDOUT: it has not ended in time. */
static int signal_and_wait(const char *lock, long pid, int signal)
{
	int err = 0;
	long now;

	if (pid == LOCK_HOLDER_UNSEEN)
		err = ask(lock, signal);
	else if (kill(pid, signal))
		return errno == ESRCH ? 0 : -errno;
	for (int waited = 0; !err && waited < SENDER_SECONDS * 1000; waited += POLL_MS) {
		now = lock_holder(lock);
		if (now <= 0 || is_another(now, pid))
			return now < 0 && now != -ENOENT ? now : 0;
		sleep_ms(POLL_MS);
	}
	if (pid == LOCK_HOLDER_UNSEEN)
		ask(lock, 0);
	return err ? err : -ETIMEDOUT;
}

int sender_signal_at(const char *lock, int signal)
{
	long pid = running(lock);
	int err = pid > 0 ? signal_and_wait(lock, pid, signal) : 0;

	if (pid < 0)
		return pid;
	if (err == -ETIMEDOUT && signal != SIGKILL) {
		log_warn("%s, the sender, has not ended after %d seconds: it is killed",
			 lock_holder_text(pid), SENDER_SECONDS);
		err = signal_and_wait(lock, pid, SIGKILL);
	}
	if (err)
		log_error("cannot end %s, the sender: %s", lock_holder_text(pid),
			  error_text_without(err, CAP_KILL));
	return err;
}

int sender_signal(int signal)
{
	return sender_signal_at(HOST_SENDER_LOCK, signal);
}

/* Whether the sender is not the program beside this one: that of another version, of an upgrade. */
static bool is_other(long pid)
{
	char path[PATH_MAX], running[64];
	struct stat ours, its;

	snprintf(running, sizeof(running), "/proc/%ld/exe", pid);
	return !self_beside("mirror-sender", path) && !stat(path, &ours) && !stat(running, &its) &&
	       (ours.st_ino != its.st_ino || ours.st_dev != its.st_dev);
}

/* Whether the sender has opened all groups: it can open none later. */
static bool all_open(const struct shared *shared)
{
	for (int i = 0; i < MIRROR_MAX_GROUPS; i++)
		if (shared->groups[i].id &&
		    shared->groups[i].id != shared->collectors[i * MIRROR_MAX_COLLECTORS].group)
			return false;
	return true;
}

/* Why the sender could not open a socket for one of the collectors to come: a negative errno; 0: it could. */
static int wanted_unopened(const struct shared *shared, const bool wanted[MIRROR_MAX_GROUPS])
{
	const struct mirror_collector_counters *c = shared->collectors;

	for (int i = 0; i < MIRROR_MAX_GROUPS * MIRROR_MAX_COLLECTORS; i++)
		if (wanted[i / MIRROR_MAX_COLLECTORS] && c[i].unreachable &&
		    !shared_is_answer(c[i].unreachable))
			return -(int)c[i].unreachable;
	return 0;
}

static int start(const struct shared *shared)
{
	char path[PATH_MAX];
	int status, err = self_beside("mirror-sender", path);
	pid_t pid;

	if (!err) {
		pid = fork();
		err = pid < 0 ? -errno : 0;
	}
	if (err) {
		log_error("cannot start mirror-sender: %s", strerror(-err));
		return err;
	}
	if (!pid) {
		execl(path, "mirror-sender", (char *)NULL);
		log_error("%s: %s", path, strerror(errno));
		_exit(127);
	}
	while ((err = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (err < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		log_error("%s did not start", path);
		return -ECHILD;
	}
	for (int waited = 0; waited < SENDER_SECONDS * 1000; waited += POLL_MS) {
		if (shared->state->present && shared_sender() > 0)
			return 0;
		sleep_ms(POLL_MS);
	}
	log_error("%s: not ready after %d seconds", path, SENDER_SECONDS);
	return -ETIMEDOUT;
}

int sender_end_hanging(const struct shared *shared)
{
	long pid = shared_sender();

	if (pid <= 0 || shared_sender_answers(shared, PATIENCE_MS))
		return 0;
	log_warn("%s, the sender, does not answer: it is killed", lock_holder_text(pid));
	return sender_signal(SIGKILL);
}

int sender_ensure(const struct shared *shared, const bool wanted[MIRROR_MAX_GROUPS])
{
	int err = sender_end_hanging(shared);
	long pid = err ? err : running(HOST_SENDER_LOCK);

	/* a new one may be able to open what this one could not, and logs why if it is not */
	if (pid > 0 && (!all_open(shared) || wanted_unopened(shared, wanted) || is_other(pid))) {
		err = sender_signal(SIGUSR1);
		pid = err;
	}
	if (!pid)
		err = start(shared);
	if (pid < 0)
		err = pid;
	if (err)
		return err;
	err = wanted_unopened(shared, wanted);
	if (err)
		log_set_reported(); /* the sender has named the collector */
	return err;
}
