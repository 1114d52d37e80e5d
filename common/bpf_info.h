/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the kernel says about open and pinned BPF objects. */
#ifndef L3AF_BPF_INFO_H
#define L3AF_BPF_INFO_H

#include <stdint.h>

#include <bpf/bpf.h>

/* Fills in the information about an open map. 0 or a negative errno. */
int bpf_info_map(int fd, struct bpf_map_info *info);

/* The id of an open program or map; 0, and errno is set: it cannot be read. */
uint32_t bpf_info_id(int fd);

/* The id of the program or map pinned at path, 0 if there is none. */
uint32_t bpf_info_pinned_id(const char *path);

#endif
