// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error_text.h"
#include "log.h"
#include "pins.h"

#define LOCK_SECONDS 10
#define LOCK_POLL_MS 10

/* Whether /proc numbers processes as this one does: a container may have that of its host. */
static bool own_proc(void)
{
	char self[16] = "";

	return readlink("/proc/self", self, sizeof(self) - 1) > 0 && strtol(self, NULL, 10) == getpid();
}

/* /proc/locks leaves out what processes outside the PID namespace hold. */
static long listed_holder(const struct stat *st)
{
	FILE *locks = own_proc() ? fopen("/proc/locks", "re") : NULL;
	char line[256];
	long holder = 0;

	if (!locks)
		return 0;
	while (!holder && fgets(line, sizeof(line), locks)) {
		unsigned int major, minor;
		unsigned long inode;
		long pid;

		/* a line of a process that waits has "->" before the kind, and does not match */
		/* NOLINTNEXTLINE(cert-err34-c): numbers that the kernel printed */
		if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major, &minor, &inode) == 4 &&
		    inode == st->st_ino && makedev(major, minor) == st->st_dev)
			holder = pid;
	}
	fclose(locks);
	return holder;
}

/* For a moment this takes the lock: whoever wants it without waiting must try again. */
static long unlisted_holder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long holder = fd < 0 || flock(fd, LOCK_SH | LOCK_NB) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return holder == -EWOULDBLOCK ? LOCK_HOLDER_UNSEEN : holder;
}

long lock_holder(const char *path)
{
	struct stat st;
	long holder;

	if (stat(path, &st))
		return -errno;
	holder = listed_holder(&st);
	return holder > 0 ? holder : unlisted_holder(path);
}

const char *lock_holder_text(long holder)
{
	static char text[32];

	if (holder == LOCK_HOLDER_UNSEEN)
		return "a process outside this PID namespace";
	snprintf(text, sizeof(text), "process %ld", holder);
	return text;
}

static int open_directory(const char *path)
{
	int err = pins_check(path), fd = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (err == -EACCES || fd >= 0)
		return err ? err : fd;
	err = err ? err : -errno;
	if (err != -ENOENT)
		log_error("cannot open %s: %s", path, error_text(err));
	return err;
}

static void report(const char *path, int err)
{
	if (err != -EWOULDBLOCK)
		log_error("cannot lock %s: %s", path, error_text(err));
	else
		log_error("cannot lock %s: %s has held it for over %d seconds", path,
			  lock_holder_text(lock_holder(path)), LOCK_SECONDS);
}

int lock_directory(const char *path)
{
	struct stat locked, there;
	int fd = open_directory(path), err;

	if (fd < 0)
		return fd;
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK || waited >= LOCK_SECONDS * 1000) {
			err = -errno;
			report(path, err);
			close(fd);
			return err;
		}
		sleep_ms(LOCK_POLL_MS);
	}
	/* it may have been removed while we waited */
	if (fstat(fd, &locked) || stat(path, &there) || locked.st_ino != there.st_ino) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}
