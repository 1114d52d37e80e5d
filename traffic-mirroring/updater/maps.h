/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of a direction as tables.c, commit.c and readback.c hold them open. */
#ifndef MIRRORING_MAPS_H
#define MIRRORING_MAPS_H

#include "tables.h"

/* Maps beside the tables of dimensions: M(ID, name, type of its values). The first are mapped into memory. */
#define MAPPED_MAPS(M)                            \
	M(CONFIG, config, struct mirror_config)   \
	M(BANKS, banks, struct mirror_bank)       \
	M(FILTERS, filters, struct mirror_filter) \
	M(OPTIONS, options, struct mirror_options)
#define OTHER_MAPS(M)                              \
	M(OUTERS, outers, struct mirror_words)     \
	M(COUNTERS, counters, __u64)               \
	M(FILTER_PACKETS, filter_packets, __u64)   \
	M(FILTER_BYTES, filter_bytes, __u64)       \
	M(PENDING, pending, struct mirror_pending) \
	M(RINGS, rings, __u32)                     \
	M(STATE, state, __u32)

#define MAP_ID(ID, ...) MAP_##ID,
enum map {
	MAPPED_MAPS(MAP_ID) MIRROR_NUMBERS(MAP_ID) MIRROR_ADDRESSES(MAP_ID) OTHER_MAPS(MAP_ID) MAP_COUNT,
	MAP_MAPPED = MAP_SRC4, /* how many are mapped into memory; they come first */
};
#undef MAP_ID

struct tables {
	int fd[MAP_COUNT];
	size_t size[MAP_MAPPED]; /* bytes mapped */
	union {
		void *mapped[MAP_MAPPED];
		struct {
#define MAP_POINTER(ID, name, type) type *name;
			MAPPED_MAPS(MAP_POINTER)
#undef MAP_POINTER
			struct mirror_words *numbers[DIM_NUMBERS]; /* entry v of a table: value v */
		};
	};
};

struct address_table {
	enum map map;
	enum mirror_dimension dim;
	uint8_t family;
};
#define ADDRESS_TABLES 4
extern const struct address_table address_tables[ADDRESS_TABLES];

/* Stores the word that the data path loads. */
void config_store(struct tables *t, struct mirror_config config);

#endif
