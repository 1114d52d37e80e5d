/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Opens BPF objects by their id. The kernel lets only CAP_SYS_ADMIN do that; without it, they are looked for
 * among the pins below BPFFS that this process can read.
 */
#pragma once

#include <limits.h>
#include <stdint.h>

/* Each: an fd, or a negative errno. -EPERM: without CAP_SYS_ADMIN, and no pin of it can be read. */
int bpf_open_program(uint32_t id);
int bpf_open_map(uint32_t id);
int bpf_open_link(uint32_t id);

/* The same by its pins alone, and the name of the first one. */
int bpf_open_pinned_program(uint32_t id, char name[NAME_MAX + 1]);
