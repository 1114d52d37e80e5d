/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of a direction as tables.c, commit.c and readback.c hold them open. */
#pragma once

#include "tables.h"

#define MAP_ID(ID, ...) MAP_##ID,
enum map {
	/* the first are mapped into memory */
	MIRROR_MAPPED_MAPS(MAP_ID) MIRROR_NUMBERS(MAP_ID) MIRROR_ADDRESSES(MAP_ID) MIRROR_OTHER_MAPS(MAP_ID)
		MIRROR_HOST_LINKS(MAP_ID) MAP_COUNT,
	MAP_MAPPED = MAP_SRC4, /* how many are */
};
#undef MAP_ID

struct tables {
	int fd[MAP_COUNT];
	union {
		void *mapped[MAP_MAPPED];
		struct {
#define MAP_POINTER(ID, name, kind, key, value, ...) value *name;
			MIRROR_MAPPED_MAPS(MAP_POINTER)
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

/* The counts that are not in the shared arrays yet, of all CPUs together. 0 or a negative errno, silently. */
int tables_pending(const struct tables *t, struct mirror_pending *sum);
