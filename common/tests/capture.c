// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "capture.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int captured, saved;

void capture_start(void)
{
	saved = dup(STDERR_FILENO);
	captured = memfd_create("stderr", 0);
	if (saved < 0 || captured < 0 || dup2(captured, STDERR_FILENO) < 0)
		abort();
}

const char *capture_end(void)
{
	static char text[8192];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(captured, text, sizeof(text) - 1, 0);
	close(captured);
	text[n > 0 ? n : 0] = '\0';
	return text;
}
