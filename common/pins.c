// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "log.h"

#define MAPS BPFFS "/tc/globals"
#define PROGS BPFFS "/progs"

static int __attribute__((format(printf, 2, 3))) join(char path[PATH_MAX], const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whether text can be one part of a path: it must not lead elsewhere. */
static bool is_part(const char *text)
{
	return *text && !strchr(text, '/') && strcmp(text, ".") && strcmp(text, "..");
}

int pins_version(const char *version, char part[NAME_MAX + 1])
{
	if (strlen(version) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(part, version);
	for (char *dot = part; (dot = strchr(dot, '.'));)
		*dot = '_';
	return 0;
}

int pins_of(struct pins *pins, const char *iface, const char *package, const char *version)
{
	char part[NAME_MAX + 1];
	int err;

	if (!is_part(iface))
		return -EINVAL;
	if (!version) {
		err = join(pins->maps, MAPS "/%s", iface);
		return err ? err : join(pins->progs, PROGS "/%s", iface);
	}

	if (!is_part(package) || !is_part(version))
		return -EINVAL;
	err = pins_version(version, part);
	if (err)
		return err;
	err = join(pins->maps, MAPS "/%s/%s/%s", iface, package, part);
	return err ? err : join(pins->progs, PROGS "/%s/%s/%s", iface, package, part);
}

int pins_check_iface(const char *iface)
{
	if (!strchr(iface, '.'))
		return 0;
	log_error("%s: nothing can be pinned for it, because a name on bpffs has no dot", iface);
	return -EINVAL;
}

/* The next subdirectory's name, NULL after the last. */
static const char *next_dir(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && is_part(entry->d_name))
			return entry->d_name;
	return NULL;
}

static bool holds(const struct pins *pins, const char *map)
{
	char path[PATH_MAX];

	return !join(path, "%s/%s", pins->maps, map) && !access(path, F_OK);
}

/* Keeps the candidate if it holds the map; found counts those that do. */
static void try(struct pins *pins, const char *iface, const char *package, const char *version,
		const char *map, int *found)
{
	struct pins candidate;

	if (!pins_of(&candidate, iface, package, version) && holds(&candidate, map)) {
		*pins = candidate;
		(*found)++;
	}
}

static void try_versions(struct pins *pins, const char *iface, const char *package, const char *map,
			 int *found)
{
	char path[PATH_MAX];
	const char *version;
	DIR *dir = NULL;

	if (!join(path, MAPS "/%s/%s", iface, package))
		dir = opendir(path);
	if (!dir)
		return;
	while ((version = next_dir(dir)))
		try(pins, iface, package, version, map, found);
	closedir(dir);
}

/* The versioned layout under any package; version NULL: under any version too. */
static int find_versioned(struct pins *pins, const char *iface, const char *version, const char *map)
{
	char path[PATH_MAX];
	const char *package;
	DIR *dir = NULL;
	int found = 0;

	if (!join(path, MAPS "/%s", iface))
		dir = opendir(path);
	if (!dir)
		return -ENOENT;
	while ((package = next_dir(dir))) {
		if (version)
			try(pins, iface, package, version, map, &found);
		else
			try_versions(pins, iface, package, map, &found);
	}
	closedir(dir);
	if (!found)
		return -ENOENT;
	return found == 1 ? 0 : -ENOTUNIQ;
}

int pins_find(struct pins *pins, const char *iface, const char *version, const char *map)
{
	int found = 0, err;

	if (version) {
		err = find_versioned(pins, iface, version, map);
		if (err != -ENOENT)
			return err;
	}
	try(pins, iface, NULL, NULL, map, &found);
	if (found)
		return 0;
	return version ? -ENOENT : find_versioned(pins, iface, NULL, map);
}

static bool below_bpffs(const char *path)
{
	return !strncmp(path, BPFFS "/", sizeof(BPFFS));
}

/* In a sticky directory, as a plain mount of bpffs makes its top, others can add names, but change none. */
static int check_directory(const char *path, bool top)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if ((!st.st_uid || st.st_uid == geteuid()) && S_ISDIR(st.st_mode) &&
	    (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (top && st.st_mode & S_ISVTX)))
		return 0;
	log_error("open failed: %s: expected a directory that only root can write, got owner %u, mode %o",
		  path, st.st_uid, st.st_mode & ~S_IFMT);
	return -EACCES;
}

/* Calls step for BPFFS and each directory below it down to path, until one fails. */
static int each_directory(const char *path, int (*step)(const char *path, bool top))
{
	char part[PATH_MAX];
	int err;

	if (join(part, "%s", path))
		return -ENAMETOOLONG;
	if (strcmp(part, BPFFS) && !below_bpffs(part))
		return -EINVAL;
	for (char *end = part + sizeof(BPFFS) - 1;; end = strchrnul(end + 1, '/')) {
		char rest = *end;

		*end = '\0';
		err = step(part, end == part + sizeof(BPFFS) - 1);
		*end = rest;
		if (err || !rest)
			return err;
	}
}

int pins_check(const char *path)
{
	return each_directory(path, check_directory);
}

static int make_directory(const char *path, bool top)
{
	if (!top && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	return check_directory(path, top);
}

int pins_mkdir(const char *path)
{
	return each_directory(path, make_directory);
}

bool pins_on_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

void pins_prune(const char *path)
{
	char part[PATH_MAX];

	if (join(part, "%s", path))
		return;
	while (below_bpffs(part) && (!rmdir(part) || errno == ENOENT))
		*strrchr(part, '/') = '\0';
}
