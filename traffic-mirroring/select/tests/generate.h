/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Random rule sets, and random packets that often hit them: both draw their values from one small pool. */
#pragma once

#include "packets.h"
#include "reference.h"

#define POOL_VALUES 6
#define POOL_SHAPES 32
#define POOL_NAMES 6
#define POOL_PATTERNS 6

struct pool {
	uint64_t random; /* state of the generator */
	uint8_t addr4[POOL_VALUES][4], addr6[POOL_VALUES][16];
	uint16_t ports[POOL_VALUES], vlans[POOL_VALUES];
	/* packets of before, to come again, turned round, or damaged */
	size_t n_specs;
	struct packet_spec specs[POOL_SHAPES];
};

/* Below n. */
uint32_t random_below(struct pool *pool, uint32_t n);

/* The same seed gives the same pool, rules and packets. */
void generate_pool(struct pool *pool, uint64_t seed);
/* devices: what `to` may name; the ones with and without Ethernet are not mixed in a rule. */
void generate_rules(struct pool *pool, const struct ref_device *devices, size_t n_devices,
		    struct ref_rules *rules);
void generate_spec(struct pool *pool, struct packet_spec *spec);
/* Well-formed bytes of a spec, now and then damaged. */
void generate_packet(struct pool *pool, const struct packet_spec *spec, struct packet *packet);

extern const char *const pool_names[POOL_NAMES], *const pool_patterns[POOL_PATTERNS];
