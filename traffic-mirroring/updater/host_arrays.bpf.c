// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The arrays that a host has once (../abi/host.h), declared here so that they have BTF. There is no program:
 * the updater carries this object within itself, and makes the maps from it. Each is pinned under its name
 * without "host_".
 *
 * Only state has none: the data path has it in a map of maps, where kernels before 6.2 take a map with BTF
 * only if the inner map's definition had some, which is the loader's choice.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/host.h"

#define ARRAY(value_type, entries)                 \
	{                                          \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__type(key, __u32);                \
		__type(value, value_type);         \
		__uint(max_entries, entries);      \
		__uint(map_flags, BPF_F_MMAPABLE); \
	}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct mirror_state));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} host_state SEC(".maps");
struct ARRAY(struct mirror_group, MIRROR_MAX_GROUPS) host_groups SEC(".maps");
struct ARRAY(struct mirror_settings, 1) host_settings SEC(".maps");
struct ARRAY(__u64, SENT_COUNT) host_sent SEC(".maps");
struct ARRAY(__u64, MIRROR_ERRNOS) host_sent_errors SEC(".maps");
struct ARRAY(struct mirror_collector_counters, MIRROR_MAX_GROUPS *MIRROR_MAX_COLLECTORS) host_collectors
	SEC(".maps");
