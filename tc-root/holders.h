/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which processes have BPF objects open. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bpf_kind { KIND_PROGRAM, KIND_MAP, KIND_LINK, KINDS };
extern const char *const kind_names[KINDS];

struct bpf_ids {
	struct bpf_id {
		enum bpf_kind kind;
		uint32_t id;
	} * at;
	size_t n;
};

/* 0 or -ENOMEM. The caller frees ids->at. */
int bpf_ids_add(struct bpf_ids *ids, enum bpf_kind kind, uint32_t id);

struct holder {
	pid_t pid;
	char comm[17];
	struct bpf_id held;
};

/* Finds another process that has any of the objects open. 0, -ENOENT: none, or another negative errno. */
int holder_find(const struct bpf_ids *ids, struct holder *holder);
