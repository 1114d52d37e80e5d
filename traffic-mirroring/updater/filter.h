/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A filter set in memory: between the rules that an operator writes (rules.h) and the tables of the data path
 * (tables.h). docs/filters.md gives the meaning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi/maps.h"
#include "../host/collector.h"
#include "domain.h"
#include "legs.h"

/* A set of small numbers, one bit each. */
#define BITS_WORDS(bits) (((bits) + 63) / 64)

static inline bool bits_test(const uint64_t *set, unsigned int bit)
{
	return set[bit / 64] >> (bit % 64) & 1;
}

static inline void bits_set(uint64_t *set, unsigned int bit)
{
	set[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* addr: network byte order, IPv4 in the first four bytes, rest 0; bits past len are 0. */
struct prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t len; /* bits */
	uint8_t addr[16];
};

struct prefix_list {
	struct prefix *at;
	size_t n;
};

/* A word of `to`. */
struct destination {
	char text[COLLECTOR_TEXT_LEN]; /* as written */
	struct mirror_collector collector; /* FORMAT_NONE: the text names a kernel device */
	uint32_t leg;
};

struct filter {
	enum mirror_action action;
	char name[MIRROR_RULE_NAME_LEN]; /* empty: none */
	uint32_t constrained; /* bit d: dimension d (enum mirror_dimension) has a set below */
#define FILTER_SET(ID, name, values, ...) uint64_t name[BITS_WORDS(values)];
	MIRROR_NUMBERS(FILTER_SET) /* the values accepted */
#undef FILTER_SET
	struct prefix_list src, dst;
	struct name_list domain;
	struct leg_values leg[LEG_OPTIONS];
	uint32_t sample; /* one flow in this many, 0: all */
	uint32_t first; /* as in struct mirror_filter */
	__u64 max_packets, max_bits; /* copies, and bits of copies, per second; 0: no limit */
	struct destination *to; /* none: as the options say; by leg */
	size_t n_to;
};

/* How many legs `to` has. */
static inline size_t filter_legs(const struct filter *f)
{
	return f->n_to ? f->to[f->n_to - 1].leg + 1 : 0;
}

struct filter_set {
	size_t n; /* <= MIRROR_MAX_FILTERS */
	struct filter *at; /* MIRROR_MAX_FILTERS of them */
};

/* An empty set, or NULL when out of memory. */
struct filter_set *filter_set_new(void);
void filter_set_free(struct filter_set *set);

/* The set of numbers of a dimension of f and its size in bits; NULL and 0 for those without numbers. */
uint64_t *filter_bits(struct filter *f, enum mirror_dimension dim, size_t *bits);

/* Whether any filter constrains a dimension. */
bool filters_constrain(const struct filter_set *set, enum mirror_dimension dim);

/* The prefixes of DIM_SRC or DIM_DST. */
struct prefix_list *filter_prefixes(struct filter *f, enum mirror_dimension dim);

void prefix_clear_past_length(struct prefix *p);

/* 0 or -ENOMEM. */
int prefix_list_add(struct prefix_list *list, const struct prefix *p);

/* For qsort(): IPv4 first, then by address; a prefix stands before all that it covers. */
int prefix_compare(const void *left, const void *right);
/* Whether outer, which stands before inner in this order, covers it. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);

/* Sorts, IPv4 first, and drops every prefix that another one of the list covers. */
void prefix_list_reduce(struct prefix_list *list);

/* What the rule itself says, in a row of the filters map; and back, without `to`. */
/* The devices that packets may be cloned into: entries of row->device. */
uint32_t row_devices(const struct mirror_filter *row);

struct mirror_filter filter_row(const struct filter *f);
void row_set_snaplen(struct mirror_filter *row, uint32_t snaplen);
uint32_t row_snaplen(const struct mirror_filter *row);
void filter_from_row(struct filter *f, const struct mirror_filter *row);

/* A new filter at the end of the set. NULL when it is full. Its dimensions accept everything. */
struct filter *filter_set_add(struct filter_set *set, enum mirror_action action);
