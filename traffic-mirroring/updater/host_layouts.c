// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "host_layouts.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/bpf_info.h"
#include "../../common/lock.h"
#include "../../common/log.h"
#include "../../common/pins.h"
#include "../abi/host.h"
#include "sender_process.h"

int layouts_remove(const char *dir, const char *kept)
{
	char path[2 * PATH_MAX];
	struct dirent *entry;
	DIR *open;
	int err;

	snprintf(path, sizeof(path), "%s/sender", dir);
	err = sender_signal_at(path, SIGTERM);
	if (err)
		return err;
	rmdir(path);
	open = opendir(dir);
	while (open && (entry = readdir(open))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (!kept || strcmp(entry->d_name, kept))
			unlink(path);
	}
	if (open)
		closedir(open);
	return !kept && rmdir(dir) ? -errno : 0;
}

/* Whether a map of maps leads to the map with this id; or nobody can tell. */
static bool leads_to(const char *path, uint32_t id)
{
	int fd = bpf_obj_get(path), err;
	__u32 zero = 0, inner = 0;

	if (fd < 0)
		return errno != ENOENT;
	err = bpf_map_lookup_elem(fd, &zero, &inner);
	close(fd);
	return err ? err != -ENOENT : inner == id;
}

/* In every layout, the maps of a direction lead to the state of their host as mirroring_<direction>_state. */
static bool used(const char *dir)
{
	char state[PATH_MAX], globals[] = BPFFS "/tc/globals", *const roots[] = { globals, NULL };
	bool found = false;
	int64_t id;
	FTSENT *e;
	FTS *tree;

	snprintf(state, sizeof(state), "%s/state", dir);
	id = bpf_info_pinned_id(state);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree || id < 0)
		found = true;
	while (tree && !found && (e = fts_read(tree))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
			found = e->fts_errno != ENOENT;
		else if (!fnmatch("mirroring_*_state", e->fts_name, 0))
			found = leads_to(e->fts_path, id);
	}
	if (tree)
		fts_close(tree);
	return found;
}

static void release(const char *dir)
{
	int lock, err;

	if (used(dir))
		return;
	lock = lock_directory(dir);
	if (lock < 0)
		return;
	/* only if none has come while we waited for the lock */
	err = used(dir) ? -EBUSY : layouts_remove(dir, NULL);
	if (!err)
		log_info("%s: removed, with its sender: no program of that version is left", dir);
	else if (err != -EBUSY)
		log_warn("cannot remove %s, which another version left: %s", dir, strerror(-err));
	close(lock);
}

void layouts_release_others(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(BPFFS);

	while (dir && (entry = readdir(dir))) {
		if (fnmatch("mirroring", entry->d_name, 0) && fnmatch("mirroring-[0-9]*", entry->d_name, 0))
			continue;
		snprintf(path, sizeof(path), BPFFS "/%s", entry->d_name);
		if (strcmp(path, HOST_PINS))
			release(path);
	}
	if (dir)
		closedir(dir);
}
