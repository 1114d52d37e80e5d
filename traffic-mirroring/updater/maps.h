/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of a direction as tables.c, commit.c and readback.c hold them open. */
#ifndef MIRRORING_MAPS_H
#define MIRRORING_MAPS_H

#include "tables.h"

enum map {
	MAP_CONFIG,
	MAP_BANKS,
	MAP_FILTERS,
	MAP_OPTIONS,
	MAP_PROTO,
	MAP_DST_PORT,
	MAP_SRC_PORT,
	MAP_PORT,
	MAP_TCP_FLAGS,
	MAP_ICMP_TYPE,
	MAP_VLAN,
	MAP_MAPPED, /* those before are mapped into memory */
	MAP_SRC4 = MAP_MAPPED,
	MAP_DST4,
	MAP_SRC6,
	MAP_DST6,
	MAP_OUTERS,
	MAP_COUNTERS,
	MAP_FILTER_PACKETS,
	MAP_FILTER_BYTES,
	MAP_PENDING,
	MAP_RINGS,
	MAP_STATE,
	MAP_COUNT,
};

struct tables {
	int fd[MAP_COUNT];
	size_t size[MAP_MAPPED]; /* bytes mapped */
	union {
		void *mapped[MAP_MAPPED];
		struct {
			struct mirror_config *config;
			struct mirror_bank *banks;
			struct mirror_filter *filters;
			struct mirror_options *options;
			struct mirror_words *words[MAP_MAPPED - MAP_PROTO];
		};
	};
};

/* The memory of an ARRAY dimension's table: entry v is value v. */
static inline struct mirror_words *table_of(const struct tables *t, enum mirror_dimension dim)
{
	static const enum map maps[] = {
		[DIM_PROTO] = MAP_PROTO, [DIM_DST_PORT] = MAP_DST_PORT,	  [DIM_SRC_PORT] = MAP_SRC_PORT,
		[DIM_PORT] = MAP_PORT,	 [DIM_TCP_FLAGS] = MAP_TCP_FLAGS, [DIM_ICMP_TYPE] = MAP_ICMP_TYPE,
		[DIM_VLAN] = MAP_VLAN,
	};

	return t->mapped[maps[dim]];
}

/* The four address tables. */
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
