// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

int pins_read_version(const char *text, void *to)
{
	char part[NAME_MAX + 1];

	(void)to;
	return is_part(text) && !pins_version(text, part) ? 0 : -EINVAL;
}

int pins_of(struct pins *pins, const char *iface, const char *package, const char *version)
{
	int err;

	*pins = (struct pins){};
	if (!is_part(iface))
		return -EINVAL;
	if (strlen(iface) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(pins->iface, iface);
	if (!version) {
		err = join(pins->maps, MAPS "/%s", iface);
		return err ? err : join(pins->progs, PROGS "/%s", iface);
	}

	if (!is_part(package) || !is_part(version))
		return -EINVAL;
	err = pins_version(version, pins->version);
	if (!err)
		err = join(pins->maps, MAPS "/%s/%s/%s", iface, package, pins->version);
	return err ? err : join(pins->progs, PROGS "/%s/%s/%s", iface, package, pins->version);
}

int pins_check_iface(const char *iface)
{
	if (!strchr(iface, '.'))
		return 0;
	log_error("%s: nothing can be pinned for it, because a name on bpffs has no dot", iface);
	return -EINVAL;
}

static int is_dir(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && is_part(entry->d_name);
}

typedef int dir_function(void *ctx, const char *name);

/*
 * Calls visit for the subdirectories of a directory in the order of their names, until it returns other than
 * 0. A directory that is not there has none. *err: why it cannot be read.
 */
static int each_dir(const char *path, dir_function *visit, void *ctx, int *err)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_dir, alphasort), ret = 0;

	*err = n < 0 && errno != ENOENT ? -errno : 0;
	for (int i = 0; i < n; i++) {
		if (!ret)
			ret = visit(ctx, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ret;
}

struct walk {
	const char *iface, *package;
	int (*visit)(void *ctx, const struct pins *pins, int err);
	void *ctx;
};

static int visit_unread(const struct walk *w, const char *path, int err)
{
	struct pins pins = {};

	snprintf(pins.iface, sizeof(pins.iface), "%s", w->iface ?: "");
	snprintf(pins.maps, sizeof(pins.maps), "%s", path);
	return w->visit(w->ctx, &pins, err);
}

static int walk_version(void *ctx, const char *version)
{
	const struct walk *w = ctx;
	struct pins pins;
	int err = pins_of(&pins, w->iface, w->package, version);

	return err ? err : w->visit(w->ctx, &pins, 0);
}

static int walk_package(void *ctx, const char *package)
{
	struct walk *w = ctx;
	char path[PATH_MAX];
	int err, ret;

	w->package = package;
	if (join(path, MAPS "/%s/%s", w->iface, package))
		return -ENAMETOOLONG;
	ret = each_dir(path, walk_version, w, &err);
	return ret || !err ? ret : visit_unread(w, path, err);
}

static int walk_iface(void *ctx, const char *iface)
{
	struct walk *w = ctx;
	struct pins flat;
	int err = pins_of(&flat, iface, NULL, NULL), ret;

	if (err)
		return err;
	w->iface = iface;
	ret = w->visit(w->ctx, &flat, 0);
	if (!ret)
		ret = each_dir(flat.maps, walk_package, w, &err);
	return ret || !err ? ret : w->visit(w->ctx, &flat, err);
}

int pins_each(const char *iface, int (*visit)(void *ctx, const struct pins *pins, int err), void *ctx)
{
	struct walk w = { .visit = visit, .ctx = ctx };
	int err, ret;

	if (iface) /* bpffs refuses even to look for a name with a dot */
		return is_part(iface) && !strchr(iface, '.') ? walk_iface(&w, iface) : 0;
	ret = each_dir(MAPS, walk_iface, &w, &err);
	w.iface = NULL;
	return ret || !err ? ret : visit_unread(&w, MAPS, err);
}

int pins_hold(const struct pins *pins, const char *map)
{
	char path[PATH_MAX];

	if (join(path, "%s/%s", pins->maps, map))
		return -ENAMETOOLONG;
	if (!access(path, F_OK))
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

struct search {
	struct pins *pins; /* the last match */
	const char *map, *version; /* version: as in the paths, NULL: any */
	int found;
};

static int match(void *ctx, const struct pins *candidate, int err)
{
	struct search *s = ctx;
	int holds;

	if (err)
		return err;
	if (s->version && strcmp(s->version, candidate->version))
		return 0;
	holds = pins_hold(candidate, s->map);
	if (holds <= 0)
		return holds;
	*s->pins = *candidate;
	s->found++;
	return 0;
}

static int search(const char *iface, struct search s)
{
	int err = pins_each(iface, match, &s);

	return err ? err : !s.found ? -ENOENT : s.found == 1 ? 0 : -ENOTUNIQ;
}

int pins_find(struct pins *pins, const char *iface, const char *version, const char *map)
{
	char part[NAME_MAX + 1];
	int err = -ENOENT;

	if (version) {
		err = pins_version(version, part);
		if (!err)
			err = search(iface, (struct search){ pins, map, .version = part });
	}
	if (err == -ENOENT)
		err = search(iface, (struct search){ pins, map, .version = "" });
	if (err == -ENOENT && !version)
		err = search(iface, (struct search){ pins, map, .version = NULL });
	return err;
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
