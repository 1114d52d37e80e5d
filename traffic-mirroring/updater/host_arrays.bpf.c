// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The arrays that a host has once (../abi/host.h), declared here so that they have BTF. There is no program:
 * the updater carries this object within itself, and makes the maps from it. Each is pinned under its name
 * without "host_".
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/maps.h"

#define ARRAY_WITHOUT_BTF(name, value_type, entries)    \
	struct {                                        \
		__uint(type, BPF_MAP_TYPE_ARRAY);       \
		__uint(key_size, sizeof(__u32));        \
		__uint(value_size, sizeof(value_type)); \
		__uint(max_entries, entries);           \
		__uint(map_flags, BPF_F_MMAPABLE);      \
	} host_##name SEC(".maps");
#define ARRAY(name, value_type, entries)           \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__type(key, __u32);                \
		__type(value, value_type);         \
		__uint(max_entries, entries);      \
		__uint(map_flags, BPF_F_MMAPABLE); \
	} host_##name SEC(".maps");

MIRROR_HOST_STATE(ARRAY_WITHOUT_BTF)
MIRROR_HOST_ARRAYS(ARRAY)
MIRROR_HOST_ACCEPTS(ARRAY_WITHOUT_BTF)
MIRROR_HOST_NAMES(ARRAY)
