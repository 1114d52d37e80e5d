/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where the running program is. Functions return 0 or a negative errno. */
#pragma once

#include <limits.h>

/* The program's own file. */
int self_path(char path[PATH_MAX]);

/* The file with this name in the program's folder. */
int self_beside(const char *name, char path[PATH_MAX]);
