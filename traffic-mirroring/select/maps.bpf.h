/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of one direction: docs/map-abi.md. */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/maps.h"
#include "../abi/ring.h"

/* Code that is seldom needed is moved out of the way. */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

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

#define PINNED(ID, name, kind, key_type, value_type, entries, flags) \
	PINNED_MAP(name, kind, key_type, value_type, entries, flags);
MIRROR_MAPPED_MAPS(PINNED)
MIRROR_OTHER_MAPS(PINNED)
MIRROR_PRIVATE_MAPS(PINNED)

#define NUMBER_TABLE(ID, name, values, ...) MIRROR_NUMBER_MAP(PINNED, ID, name, values)
MIRROR_NUMBERS(NUMBER_TABLE)
#define ADDRESS_TABLE(ID, name, dimension, version) MIRROR_ADDRESS_MAP(PINNED, ID, name, version)
MIRROR_ADDRESSES(ADDRESS_TABLE)

/* These only describe which maps fit. */
struct near_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct mirror_near));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
};
struct rings_inner {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};
struct state_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct mirror_state));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
};
/* Of any size. */
struct flows_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct mirror_flow_set));
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
};
struct accepts_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct mirror_words));
	__uint(max_entries, MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES);
	__uint(map_flags, BPF_F_MMAPABLE);
};
#define PINNED_LINK(ID, name, kind, key_type, value_type, entries, flags) \
	struct {                                                          \
		__uint(type, BPF_MAP_TYPE_##kind);                        \
		__type(key, key_type);                                    \
		__uint(value_size, sizeof(value_type));                   \
		__uint(max_entries, entries);                             \
		__uint(map_flags, flags);                                 \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                      \
		__array(values, struct name##_inner);                     \
	} MAP(name) SEC(".maps");
MIRROR_HOST_LINKS(PINNED_LINK)

/* The chain map: l3afd or the updater puts the next program here. */
PINNED_MAP(jmp_table, PROG_ARRAY, __u32, __u32, 1, 0);

/* The delivery programs. */
int MAP(device)(struct __sk_buff *skb);
int MAP(ring)(struct __sk_buff *skb);
int MAP(order)(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, MIRROR_EXIT_PROGRAMS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, int(struct __sk_buff *));
} MAP(exits) SEC(".maps") = {
	.values = { [EXIT_DEVICE] = &MAP(device), [EXIT_RING] = &MAP(ring), [EXIT_ORDER] = &MAP(order) },
};

/* The host's map behind a map of maps. */
static __always_inline void *host_map(void *outer)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(outer, &zero);
}

static __always_inline struct mirror_state *host_state(void)
{
	__u32 zero = 0;
	void *states = host_map(&MAP(state));

	return states ? bpf_map_lookup_elem(states, &zero) : NULL;
}
