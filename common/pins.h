/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where maps and programs are pinned on bpffs: the two layouts in use.
 *
 *            maps                                            programs
 * flat       tc/globals/<iface>/<map>                        progs/<iface>/<entry>_tc          (l3afd v2.1.0)
 * versioned  tc/globals/<iface>/<package>/<version>/<map>    progs/<iface>/<package>/<version>/<entry>_tc
 *            (l3afd main)
 *
 * all under /sys/fs/bpf. In a version every dot reads `_`.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BPFFS "/sys/fs/bpf"

/* Where one package of one interface has its pins. */
struct pins {
	char iface[NAME_MAX + 1];
	char version[NAME_MAX + 1]; /* as in the paths; empty: flat */
	char maps[PATH_MAX]; /* directory */
	char progs[PATH_MAX]; /* directory */
};

/* A version as a part of these paths: every dot reads `_`. 0 or -ENAMETOOLONG. */
int pins_version(const char *version, char part[NAME_MAX + 1]);

/* For an option's table (args.h): whether text is a version that paths can have. 0, or a negative errno. */
int pins_read_version(const char *text, void *to);

/*
 * Fills in the directories of an interface and package. version NULL: the flat layout. -ENAMETOOLONG,
 * -EINVAL: a slash.
 */
int pins_of(struct pins *pins, const char *iface, const char *package, const char *version);

/* Whether an interface can have pins. 0, or -EINVAL after log_error(): a name on bpffs has no dot. */
int pins_check_iface(const char *iface);

/*
 * Calls visit for each directory where maps may be pinned, of an interface or, where iface is NULL, of all,
 * in the order of their names. err: 0, or why the directory cannot be read; then pins says no more than its
 * path and its interface. Stops at the first value other than 0 that visit returns, and returns it.
 */
int pins_each(const char *iface, int (*visit)(void *ctx, const struct pins *pins, int err), void *ctx);

/* Whether a map of this name is pinned there: 1, 0 or a negative errno. */
int pins_hold(const struct pins *pins, const char *map);

/*
 * Looks for the directory in which a map of this name is pinned for an interface: the versioned layout with
 * this version under any package name, when version is not NULL; else the flat one, else the versioned one of
 * any version. 0; -ENOENT: nowhere; -ENOTUNIQ: in several places (the versioned layout); another negative
 * errno: a directory of the interface cannot be read.
 */
int pins_find(struct pins *pins, const char *iface, const char *version, const char *map);

/*
 * Whether only root, or the user that we are, can change the directory and those above it, up to BPFFS: in
 * others, pins may be anybody's. -EACCES, after log_error(): no; another negative errno, silently.
 */
int pins_check(const char *path);

/* mkdir -p below bpffs, mode 0700. 0 or a negative errno; -EACCES as above. */
int pins_mkdir(const char *path);

/* True where path lies on a bpffs. */
bool pins_on_bpffs(const char *path);

/*
 * Removes the directory, which may be gone, and its parents as long as they are empty, up to but without
 * BPFFS.
 */
void pins_prune(const char *path);
