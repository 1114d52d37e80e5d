// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int self_path(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	return 0;
}

int self_beside(const char *name, char path[PATH_MAX])
{
	int err = self_path(path), room;
	char *file;

	if (err)
		return err;
	file = strrchr(path, '/') + 1;
	room = path + PATH_MAX - file;
	return snprintf(file, room, "%s", name) < room ? 0 : -ENAMETOOLONG;
}
