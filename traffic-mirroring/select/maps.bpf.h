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
 * All maps are pinned by name: a loader that is killed and started again takes the pinned maps over,
 * filters and counters included. Those that the updater fills through a mapping are BPF_F_MMAPABLE.
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_config);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(config) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_bank);
	__uint(max_entries, MIRROR_BANKS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(banks) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_filter);
	__uint(max_entries, MIRROR_BANKS * MIRROR_MAX_FILTERS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(filters) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_options);
	__uint(max_entries, MIRROR_BANKS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(options) SEC(".maps");

#define TABLE(entries)                               \
	{                                            \
		__uint(type, BPF_MAP_TYPE_ARRAY);    \
		__type(key, __u32);                  \
		__type(value, struct mirror_words);  \
		__uint(max_entries, entries);        \
		__uint(map_flags, BPF_F_MMAPABLE);   \
		__uint(pinning, LIBBPF_PIN_BY_NAME); \
	}

struct TABLE(256) MAP(proto) SEC(".maps");
struct TABLE(65536) MAP(dst_port) SEC(".maps");
struct TABLE(65536) MAP(src_port) SEC(".maps");
struct TABLE(65536) MAP(port) SEC(".maps");
struct TABLE(256) MAP(tcp_flags) SEC(".maps");
struct TABLE(256) MAP(icmp_type) SEC(".maps");
struct TABLE(4096) MAP(vlan) SEC(".maps");

#define PREFIX_TABLE(key_type)                                           \
	{                                                                \
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);                     \
		__type(key, key_type);                                   \
		__type(value, struct mirror_words);                      \
		__uint(max_entries, MIRROR_BANKS * MIRROR_MAX_PREFIXES); \
		__uint(map_flags, BPF_F_NO_PREALLOC);                    \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                     \
	}

struct PREFIX_TABLE(struct mirror_key4) MAP(src4) SEC(".maps");
struct PREFIX_TABLE(struct mirror_key4) MAP(dst4) SEC(".maps");
struct PREFIX_TABLE(struct mirror_key6) MAP(src6) SEC(".maps");
struct PREFIX_TABLE(struct mirror_key6) MAP(dst6) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct mirror_outer);
	__type(value, struct mirror_words);
	__uint(max_entries, MIRROR_MAX_OUTERS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(outers) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct mirror_datagram);
	__type(value, struct mirror_decision);
	__uint(max_entries, MIRROR_MAX_FRAGMENTED);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(fragments) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_decision);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(decision) SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct mirror_pending);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(pending) SEC(".maps");

#define COUNTERS(entries)                            \
	{                                            \
		__uint(type, BPF_MAP_TYPE_ARRAY);    \
		__type(key, __u32);                  \
		__type(value, __u64);                \
		__uint(max_entries, entries);        \
		__uint(pinning, LIBBPF_PIN_BY_NAME); \
	}

struct COUNTERS(OUT_COUNT) MAP(counters) SEC(".maps");
struct COUNTERS(1 + MIRROR_MAX_FILTERS) MAP(filter_packets) SEC(".maps");
struct COUNTERS(1 + MIRROR_MAX_FILTERS) MAP(filter_bytes) SEC(".maps");

/* The host's rings and state, put in by the updater. The definitions of the inner maps only say what fits. */
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

/* The chain: l3afd, or the updater, puts the next program here. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} MAP(jmp_table) SEC(".maps");

#endif
