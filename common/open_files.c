// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "open_files.h"

#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST_FILES 65536

void open_files_raise(void)
{
	struct rlimit now, files = { MOST_FILES, MOST_FILES };

	if (getrlimit(RLIMIT_NOFILE, &now) || now.rlim_cur >= MOST_FILES)
		return;
	if (now.rlim_max > MOST_FILES)
		files.rlim_max = now.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max = now.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

void open_files_close_inherited(void)
{
	close_range(STDERR_FILENO + 1, UINT_MAX, 0);
}
