/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of one direction: docs/map-abi.md. */
#ifndef MIRRORING_MAPS_BPF_H
#define MIRRORING_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/maps.h"
#include "../abi/host.h"

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
/* MAP(config) is mirroring_ingress_config or mirroring_egress_config. */
#define MAP(name) JOIN(mirroring_, DIRECTION, _##name)

/*
 * All maps are pinned by name: a loader that is killed and restarted reuses the pinned maps, with their
 * filters and counters. Maps that the updater fills through mmap() are BPF_F_MMAPABLE.
 */
#define PINNED_MAP(name, kind, key_type, value_type, entries, flags) \
	struct {                                                     \
		__uint(type, BPF_MAP_TYPE_##kind);                   \
		__type(key, key_type);                               \
		__type(value, value_type);                           \
		__uint(max_entries, entries);                        \
		__uint(map_flags, flags);                            \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                 \
	} MAP(name) SEC(".maps")

PINNED_MAP(config, ARRAY, __u32, struct mirror_config, 1, BPF_F_MMAPABLE);
PINNED_MAP(banks, ARRAY, __u32, struct mirror_bank, MIRROR_BANKS, BPF_F_MMAPABLE);
PINNED_MAP(filters, ARRAY, __u32, struct mirror_filter, (MIRROR_BANKS * MIRROR_MAX_FILTERS), BPF_F_MMAPABLE);
PINNED_MAP(options, ARRAY, __u32, struct mirror_options, MIRROR_BANKS, BPF_F_MMAPABLE);

#define NUMBER_TABLE(ID, name, values, ...) \
	PINNED_MAP(name, ARRAY, __u32, struct mirror_words, values, BPF_F_MMAPABLE);
MIRROR_NUMBERS(NUMBER_TABLE)

#define ADDRESS_TABLE(ID, name, dimension, version)                                 \
	PINNED_MAP(name, LPM_TRIE, struct mirror_key##version, struct mirror_words, \
		   (MIRROR_BANKS * MIRROR_MAX_PREFIXES), BPF_F_NO_PREALLOC);
MIRROR_ADDRESSES(ADDRESS_TABLE)

PINNED_MAP(outers, HASH, struct mirror_outer, struct mirror_words, MIRROR_MAX_OUTERS, 0);
PINNED_MAP(fragments, LRU_HASH, struct mirror_datagram, struct mirror_decision, MIRROR_MAX_FRAGMENTED, 0);
PINNED_MAP(decision, PERCPU_ARRAY, __u32, struct mirror_decision, 1, 0);
PINNED_MAP(pending, PERCPU_ARRAY, __u32, struct mirror_pending, 1, 0);
PINNED_MAP(counters, ARRAY, __u32, __u64, OUT_COUNT, 0);
PINNED_MAP(filter_packets, ARRAY, __u32, __u64, 1 + MIRROR_MAX_FILTERS, 0);
PINNED_MAP(filter_bytes, ARRAY, __u32, __u64, 1 + MIRROR_MAX_FILTERS, 0);

/* The host's rings and state, inserted by the updater. The inner definitions only describe which maps fit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, MIRROR_SPILL + MIRROR_MAX_CPUS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} MAP(rings) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__type(key, __u32);
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct mirror_state));
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_MMAPABLE);
		});
} MAP(state) SEC(".maps");

/* The chain map: l3afd or the updater puts the next program here. */
PINNED_MAP(jmp_table, PROG_ARRAY, __u32, __u32, 1, 0);

#endif
