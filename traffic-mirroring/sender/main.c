// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* mirror-sender: takes records out of the rings that the data path fills, and sends copies to collectors. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/args.h"
#include "../../common/clock.h"
#include "../../common/lock.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../../common/open_files.h"
#include "../../common/privileges.h"
#include "../host/sender_status.h"
#include "confine.h"
#include "threads.h"

/*
 * The sender runs as the user of this account, or else as a number that Debian and systemd leave unused:
 * other processes of the same user could end it.
 */
#define ACCOUNT "mirror-sender"
#define USER 65525

enum { FOREGROUND, STATUS, LOG_DIR, VERBOSE, OPTIONS };

static const struct arg options[OPTIONS] = {
	[FOREGROUND] = { "foreground", NULL, "stay in the foreground, for systemd or an operator", ARGS_FLAG,
			 .section = "Options" },
	[STATUS] = { "status", NULL, "print the state and the counters of this host's sender and exit",
		     ARGS_FLAG },
	[LOG_DIR] = { "log-dir", "DIR", "write messages to mirror-sender.log in DIR too", ARGS_TEXT },
	[VERBOSE] = { "verbose", NULL, "print more messages", ARGS_FLAG, .letter = 'v' },
};

static const struct args_program program = {
	.name = "mirror-sender",
	.usage = "[OPTION]...",
	.summary = "Sends copies from this host's rings to collectors.",
	.options = options,
	.n_options = OPTIONS,
};

#define LOCK_TRIES 50

/* Becomes the host's sender. -EALREADY: there is one. */
static int take_lock(void)
{
	int fd = open(HOST_SENDER_LOCK, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			log_error("this host has no rings; `mirroring start` makes them for the first filter "
				  "with a collector");
		else
			log_error("cannot open %s: %s", HOST_SENDER_LOCK, error_text(err));
		return err;
	}
	/* the lock stays until the process ends; lock_holder() of others has it for a moment */
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && tries < LOCK_TRIES;
	     tries++)
		sleep_ms(1);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	err = errno == EWOULDBLOCK ? -EALREADY : -errno;
	if (err == -EALREADY)
		log_warn("%s is this host's sender already", lock_holder_text(lock_holder(HOST_SENDER_LOCK)));
	else
		log_error("cannot lock %s: %s", HOST_SENDER_LOCK, error_text(err));
	close(fd);
	return err;
}

/* Reads the file itself: a static program cannot load the modules of NSS. */
static int drop_privileges(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;
	uid_t user = USER;
	gid_t group = USER;

	while (file && (entry = fgetpwent(file)) && strcmp(entry->pw_name, ACCOUNT))
		;
	if (entry) {
		user = entry->pw_uid;
		group = entry->pw_gid;
	}
	if (file)
		fclose(file);
	return privileges_drop(user, group);
}

/* Does all that needs privileges, then drops them. */
static int prepare(struct threads *t, struct shared *shared)
{
	int err = take_lock(), nice;

	open_files_raise(); /* two rings per CPU, eight sockets per collector */
	if (!err)
		err = shared_open(shared);
	if (!err)
		err = threads_open(t, shared);
	if (err)
		return err;
	nice = shared->settings->nice;
	if (setpriority(PRIO_PROCESS, 0, nice))
		log_warn("cannot set the priority to %d: %s", nice, error_text_without(-errno, CAP_SYS_NICE));
	err = drop_privileges();
	if (!err)
		threads_publish(t);
	return err;
}

/* Detaches from inherited descriptors so that callers do not block. */
static int leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0 || chdir("/")) {
		log_error("cannot leave the terminal: %s", strerror(errno));
		return -EIO;
	}
	close(null);
	setsid();
	return 0;
}

/* ready: fd of the pipe that tells the parent; -1: no parent waits. Returns an exit status. */
static int run(int ready)
{
	struct threads threads;
	struct shared shared;
	int err = prepare(&threads, &shared);

	if (err)
		return err == -EALREADY ? EXIT_SUCCESS : EXIT_FAILURE;
	log_info("process %d sends what %zu CPUs copy", getpid(),
		 rings_cpus(threads.drain[0].rings, threads.drain[0].n));
	if ((ready >= 0 && leave_terminal()) || threads_make(&threads) || confine())
		return EXIT_FAILURE;
	__atomic_store_n(&shared.state->present, 1, __ATOMIC_RELAXED);
	if (ready >= 0) {
		if (write(ready, "", 1) != 1)
			return EXIT_FAILURE;
		close(ready);
	}
	threads_run(&threads);
	log_info("ended");
	return EXIT_SUCCESS;
}

/* The parent exits when the child is ready, or with its status. The child, which lives on, takes the lock. */
static int run_in_background(void)
{
	int ends[2], status;
	pid_t child;
	char byte;

	if (pipe2(ends, O_CLOEXEC)) {
		log_error("pipe: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	child = fork();
	if (child < 0) {
		log_error("fork: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (!child) {
		close(ends[0]);
		return run(ends[1]);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) == 1)
		return EXIT_SUCCESS;
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *given[OPTIONS];
	bool running;
	int status;

	open_files_close_inherited();
	log_init(program.name, LEVEL_WARN, NULL);
	status = args_parse(argc, argv, &program, NULL, given, NULL);
	if (status >= 0)
		return status;
	log_init(program.name, given[VERBOSE] ? LEVEL_INFO : LEVEL_WARN, given[LOG_DIR]);
	if (given[STATUS])
		return sender_status_print(&running) || !running ? EXIT_FAILURE : EXIT_SUCCESS;
	return given[FOREGROUND] ? run(-1) : run_in_background();
}
