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
#ifndef L3AF_PINS_H
#define L3AF_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define BPFFS "/sys/fs/bpf"

/* Where one package of one interface has its pins. */
struct pins {
	char maps[PATH_MAX]; /* directory */
	char progs[PATH_MAX]; /* directory */
};

/* A version as a part of these paths: every dot reads `_`. 0 or -ENAMETOOLONG. */
int pins_version(const char *version, char part[NAME_MAX + 1]);

/*
 * Fills in the directories of an interface and package. version NULL: the flat layout. -ENAMETOOLONG,
 * -EINVAL: a slash.
 */
int pins_of(struct pins *pins, const char *iface, const char *package, const char *version);

/* Whether an interface can have pins. 0, or -EINVAL after log_error(): a name on bpffs has no dot. */
int pins_check_iface(const char *iface);

/*
 * Looks for the directory in which a map of this name is pinned for an interface: the versioned layout with
 * this version under any package name, when version is not NULL; else the flat one, else the versioned one of
 * any version. 0, -ENOENT: nowhere, -ENOTUNIQ: in several places (the versioned layout, no version given).
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

#endif
