/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The chain of programs on one direction of an interface, as it is in the kernel: from what clsact or
 * TCX runs, along the tail calls of each program's chain map (a PROG_ARRAY with one entry).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink.h"

struct chain_program {
	uint32_t id;
	char name[64]; /* the full function name, from BTF where the program has it */
	uint32_t map_id; /* its chain map; 0: it has none */
	char attach[8]; /* of the root: "clsact" or "tcx"; else empty */
};

#define CHAIN_MAX 33 /* the kernel follows 33 tail calls at most */

struct chain {
	struct chain_program at[CHAIN_MAX];
	size_t n; /* 0: no root program on this direction */
	bool loop; /* the last one leads back to one of these: packets loop until the kernel's limit */
	size_t roots; /* root programs on this direction, this chain's included */
};

/* A root program where it is attached: the program with a chain map of the name tc_<direction>_root_array. */
struct chain_root {
	uint32_t prog_id;
	uint32_t map_id;
	uint32_t link_id; /* TCX: the link that holds it there, 0 if none does */
	bool tcx;
	struct tc_filter filter; /* clsact */
};

#define CHAIN_ROOTS 16 /* a killed l3afd leaves one more behind each time */

/*
 * The root programs of a direction in the order they run, TCX before clsact, at most CHAIN_ROOTS of them.
 * The kernel truncates names to 15 characters, and they are compared so. 0 or a negative errno.
 */
int chain_roots(int ifindex, enum direction direction, struct chain_root roots[CHAIN_ROOTS], size_t *n);

/*
 * Follows the chain of a direction: where there are several roots, the first that leads to prog_id, else the
 * first. A program prog_id that is attached itself is a root, too. 0 or a negative errno.
 */
int chain_read(int ifindex, enum direction direction, uint32_t prog_id, struct chain *chain);

bool chain_has(const struct chain *chain, uint32_t prog_id);

/* Program id behind entry 0 of a PROG_ARRAY, 0 if the entry is empty; negative errno. */
int64_t chain_next(uint32_t map_id);

/* The map id of a program's chain map, 0 if it has none; negative errno. */
int64_t chain_map_of(uint32_t prog_id);

/* The program's full function name (from BTF; else from its pin; else the kernel's 15 characters). */
void chain_program_name(uint32_t prog_id, char *name, size_t size);
