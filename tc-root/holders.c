// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "holders.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/units.h"

const char *const kind_names[KINDS] = { [KIND_PROGRAM] = "program", [KIND_MAP] = "map", [KIND_LINK] = "link" };

int bpf_ids_add(struct bpf_ids *ids, enum bpf_kind kind, uint32_t id)
{
	struct bpf_id *at = reallocarray(ids->at, ids->n + 1, sizeof(*at));

	if (!at)
		return -ENOMEM;
	ids->at = at;
	at[ids->n++] = (struct bpf_id){ .kind = kind, .id = id };
	return 0;
}

/* The wanted object that a line of fdinfo names, NULL if it names none. */
static const struct bpf_id *named_by(const char *line, const struct bpf_ids *ids)
{
	static const char *const formats[KINDS] = {
		[KIND_PROGRAM] = "prog_id: %u", [KIND_MAP] = "map_id: %u", [KIND_LINK] = "link_id: %u"
	};
	uint32_t id;

	for (size_t i = 0; i < ids->n; i++)
		if (sscanf(line, formats[ids->at[i].kind], &id) == 1 && id == ids->at[i].id)
			return &ids->at[i];
	return NULL;
}

static const struct bpf_id *held_by_fd(const char *pid, const char *fd, const struct bpf_ids *ids)
{
	char path[600], target[32] = "", line[256];
	const struct bpf_id *held = NULL;
	FILE *info;

	/* cheaper than reading the fdinfo of every file of the host */
	snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, fd);
	if (readlink(path, target, sizeof(target) - 1) < 0 || strncmp(target, "anon_inode:bpf", 14))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	info = fopen(path, "re");
	if (!info)
		return NULL;
	while (!held && fgets(line, sizeof(line), info))
		held = named_by(line, ids);
	fclose(info);
	return held;
}

static const struct bpf_id *held_by(const char *pid, const struct bpf_ids *ids)
{
	const struct bpf_id *held = NULL;
	struct dirent *entry;
	char path[300];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir) /* the process has ended */
		return NULL;
	while (!held && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			held = held_by_fd(pid, entry->d_name, ids);
	closedir(dir);
	return held;
}

static void read_comm(const char *pid, char *comm, size_t size)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(comm, size, file))
		snprintf(comm, size, "?");
	comm[strcspn(comm, "\n")] = '\0';
	if (file)
		fclose(file);
}

int holder_find(const struct bpf_ids *ids, struct holder *holder)
{
	DIR *proc = opendir("/proc");
	const struct bpf_id *held = NULL;
	struct dirent *entry;
	unsigned long pid;

	if (!proc)
		return -errno;
	while (!held && (entry = readdir(proc))) {
		if (number_parse(entry->d_name, 1, INT32_MAX, &pid) || (pid_t)pid == getpid())
			continue;
		held = held_by(entry->d_name, ids);
		if (held) {
			*holder = (struct holder){ .pid = pid, .held = *held };
			read_comm(entry->d_name, holder->comm, sizeof(holder->comm));
		}
	}
	closedir(proc);
	return held ? 0 : -ENOENT;
}
