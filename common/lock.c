// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pins.h"

#define LOCK_SECONDS 10
#define LOCK_POLL_MS 10

long lock_holder(const char *path)
{
	char line[256];
	struct stat st;
	long holder = 0;
	FILE *locks;

	if (stat(path, &st))
		return -errno;
	locks = fopen("/proc/locks", "re");
	if (!locks)
		return -errno;
	while (!holder && fgets(line, sizeof(line), locks)) {
		unsigned int major, minor;
		unsigned long inode;
		long pid;

		/* a line of a process that waits has "->" before the kind, and does not match */
		/* NOLINTNEXTLINE(cert-err34-c): numbers that the kernel printed */
		if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major, &minor, &inode) == 4 &&
		    inode == st.st_ino && makedev(major, minor) == st.st_dev)
			holder = pid;
	}
	fclose(locks);
	return holder;
}

static int open_directory(const char *path)
{
	int err = pins_check(path), fd = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (err == -EACCES || fd >= 0)
		return err ? err : fd;
	err = err ? err : -errno;
	if (err != -ENOENT)
		log_error("cannot open %s: %s", path, strerror(-err));
	return err;
}

static void report(const char *path, int err)
{
	long holder = err == -EWOULDBLOCK ? lock_holder(path) : 0;

	if (err != -EWOULDBLOCK)
		log_error("cannot lock %s: %s", path, strerror(-err));
	else if (holder > 0)
		log_error("cannot lock %s: process %ld has held it for over %d seconds", path, holder,
			  LOCK_SECONDS);
	else
		log_error("cannot lock %s: a process outside this PID namespace has held it for over %d "
			  "seconds",
			  path, LOCK_SECONDS);
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
