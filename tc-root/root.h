/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The commands of tc_root. Each prints what it did, or one error line and returns a negative errno. */
#pragma once

#include <stdbool.h>

#include "../common/netlink.h"

/* The public names of a direction. */
struct root_names {
	const char *object; /* file */
	const char *entry; /* function */
	const char *map; /* the chain map */
	const char *pin; /* of the program */
};
extern const struct root_names root_names[DIRECTIONS];

#define ROOT_PACKAGE "tc-root" /* its name in the versioned layout */

struct root_target {
	struct link link; /* ifindex 0: stop for an interface that is gone */
	const char *version; /* NULL: the flat layout */
	bool force;
};

/* Attaches and pins what is missing on both directions. */
int root_start(const struct root_target *target);

/* Removes every root program of the interface, and its TC pins in every layout. */
int root_stop(const struct root_target *target);

/* Prints both chains. -ENOENT, without a line: a direction has no root program. */
int root_status(const struct root_target *target);

/*
 * Here start records that it made clsact, so that stop removes only that one: a symbolic link, named after
 * the interface, to the interface's index.
 */
#define CLSACT_MARKS "/sys/fs/bpf/tc_root_clsact"
