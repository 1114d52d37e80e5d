// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "generate.h"

#include <arpa/inet.h>
#include <string.h>

static uint64_t random64(struct pool *pool)
{
	/* SplitMix64: any seed is a good one */
	uint64_t x = pool->random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

uint32_t random_below(struct pool *pool, uint32_t n)
{
	return (random64(pool) >> 32) * n >> 32;
}

static bool one_in(struct pool *pool, uint32_t n)
{
	return random_below(pool, n) == 0;
}

#define ONE_OF(pool, array) ((array)[random_below(pool, sizeof(array) / sizeof((array)[0]))])

static const uint8_t protocols[] = {
	IPPROTO_TCP,
	IPPROTO_TCP,
	IPPROTO_TCP,
	IPPROTO_UDP,
	IPPROTO_UDP,
	IPPROTO_ICMP,
	IPPROTO_ICMPV6,
	IPPROTO_SCTP,
	33 /* DCCP */,
	IPPROTO_UDPLITE,
	IPPROTO_GRE,
	IPPROTO_ESP,
	IPPROTO_IPIP,
	59,
	0,
	255,
};

static void random_bytes(struct pool *pool, uint8_t *at, size_t size)
{
	while (size--)
		*at++ = random64(pool);
}

void generate_pool(struct pool *pool, uint64_t seed)
{
	*pool = (struct pool){ .random = seed };
	for (int i = 0; i < POOL_VALUES; i++) {
		/* addresses near each other, so that prefixes of every length divide them */
		if (i == 0 || one_in(pool, 3)) {
			random_bytes(pool, pool->addr4[i], 4);
			random_bytes(pool, pool->addr6[i], 16);
		} else {
			memcpy(pool->addr4[i], pool->addr4[i - 1], 4);
			memcpy(pool->addr6[i], pool->addr6[i - 1], 16);
			pool->addr4[i][random_below(pool, 4)] ^= 1 << random_below(pool, 8);
			pool->addr6[i][random_below(pool, 16)] ^= 1 << random_below(pool, 8);
		}
		pool->ports[i] = one_in(pool, 6) ? (one_in(pool, 2) ? 0 : 65535) : random64(pool);
		pool->vlans[i] = one_in(pool, 6) ? (one_in(pool, 2) ? 0 : 4095) : random_below(pool, 4096);
	}
}

static void add_range(struct pool *pool, struct ref_ranges *ranges, uint32_t value, uint32_t max)
{
	uint32_t from = value, to = value, width = 1 << random_below(pool, 12);

	if (one_in(pool, 3)) {
		from = value > width ? value - random_below(pool, width) : 0;
		to = value + width < max ? value + random_below(pool, width) : max;
	}
	ranges->at[ranges->n].from = from;
	ranges->at[ranges->n++].to = to;
}

static size_t some(struct pool *pool)
{
	return one_in(pool, 2) ? 1 : 1 + random_below(pool, REF_VALUES);
}

static void generate_ranges(struct pool *pool, struct ref_ranges *ranges, const uint16_t *values,
			    uint32_t max)
{
	for (size_t n = some(pool); n; n--)
		add_range(pool, ranges, values[random_below(pool, POOL_VALUES)], max);
}

static void generate_prefixes(struct pool *pool, struct ref_prefixes *prefixes)
{
	static const uint8_t lengths4[] = { 0, 1, 8, 16, 23, 24, 31, 32, 32 };
	static const uint8_t lengths6[] = { 0, 1, 32, 48, 63, 64, 65, 127, 128, 128 };

	for (size_t n = some(pool); n; n--) {
		bool v6 = one_in(pool, 2);
		size_t i = prefixes->n++, bits = v6 ? 128 : 32;

		prefixes->at[i].family = v6 ? 6 : 4;
		if (v6)
			memcpy(prefixes->at[i].addr, ONE_OF(pool, pool->addr6), 16);
		else
			memcpy(prefixes->at[i].addr, ONE_OF(pool, pool->addr4), 4);
		if (one_in(pool, 3))
			prefixes->at[i].len = random_below(pool, bits + 1);
		else
			prefixes->at[i].len = v6 ? ONE_OF(pool, lengths6) : ONE_OF(pool, lengths4);
	}
}

/* Names of servers, and patterns that accept some of them. */
const char *const pool_names[POOL_NAMES] = { "a.example",   "www.a.example", "x.www.a.example",
					     "x.b.example", "b.example",     "c.example" };
const char *const pool_patterns[POOL_PATTERNS] = { "a.example",	      "www.a.example", "*.a.example",
						   "*.www.a.example", "*.b.example",   "c.example" };

static void generate_domain(struct pool *pool, struct ref_rule *r)
{
	for (size_t n = 1 + random_below(pool, REF_NAMES); n; n--)
		r->domain[r->n_domain++] = ONE_OF(pool, pool_patterns);
}

static void generate_target(struct pool *pool, const struct ref_device *devices, size_t n_devices,
			    struct ref_rule *r)
{
	static const uint32_t samples[] = { 1, 2, 3, 10, 1000 };

	if (one_in(pool, 6))
		r->sample = ONE_OF(pool, samples);
	if (one_in(pool, 6)) {
		r->first = 1 + random_below(pool, one_in(pool, 2) ? 5 : 200);
		r->packets = one_in(pool, 2);
	}
	r->to[r->n_to++] = &devices[random_below(pool, n_devices)];
	if (!one_in(pool, 4))
		return;
	for (size_t i = 0; i < n_devices; i++)
		if (&devices[i] != r->to[0] && devices[i].l3 == r->to[0]->l3 && one_in(pool, 2))
			r->to[r->n_to++] = &devices[i];
}

static void generate_rule(struct pool *pool, const struct ref_device *devices, size_t n_devices,
			  struct ref_rule *r)
{
	/*
	 * how often a dimension is named: rarely, so that many packets get through, or often, so that order
	 * matters
	 */
	uint32_t rarity = 2 + random_below(pool, 12);
	static const uint16_t types[POOL_VALUES] = { 0, 3, 8, 128, 135, 255 };
	const struct {
		const uint16_t *values;
		uint32_t max;
	} numbers[REF_NUMBERS] = {
		[REF_VLAN] = { pool->vlans, 4095 },
		[REF_SRC_PORT] = { pool->ports, 65535 },
		[REF_DST_PORT] = { pool->ports, 65535 },
		[REF_ICMP_TYPE] = { types, 255 },
	};
	struct ref_ranges *proto = &r->number[REF_PROTO];

	*r = (struct ref_rule){ .action = one_in(pool, 4) ? ACTION_SKIP : ACTION_MIRROR };
	if (one_in(pool, rarity)) {
		for (size_t n = some(pool); n; n--) {
			proto->at[proto->n].from = proto->at[proto->n].to = ONE_OF(pool, protocols);
			proto->n++;
		}
	}
	if (one_in(pool, rarity))
		generate_prefixes(pool, &r->src);
	if (one_in(pool, rarity))
		generate_prefixes(pool, &r->dst);
	for (int n = 0; n < REF_NUMBERS; n++)
		if (n != REF_PROTO && one_in(pool, rarity))
			generate_ranges(pool, &r->number[n], numbers[n].values, numbers[n].max);
	if (one_in(pool, rarity))
		generate_ranges(pool, &r->port, pool->ports, 65535);
	if (one_in(pool, 2 * rarity)) {
		r->tcp_flags = true;
		r->mask = random64(pool);
		r->flags = r->mask & random64(pool);
	}
	if (one_in(pool, 2 * rarity))
		r->malformed = one_in(pool, 2) ? REF_MALFORMED : REF_WELL_FORMED;
	if (one_in(pool, 2 * rarity))
		generate_domain(pool, r);
	if (r->action == ACTION_MIRROR)
		generate_target(pool, devices, n_devices, r);
	if (r->action == ACTION_MIRROR && one_in(pool, 6)) {
		r->action = ACTION_COUNT; /* which has no destination */
		r->n_to = 0;
	}
}

void generate_rules(struct pool *pool, const struct ref_device *devices, size_t n_devices,
		    struct ref_rules *rules)
{
	rules->n = one_in(pool, 8) ? MIRROR_MAX_FILTERS : random_below(pool, one_in(pool, 2) ? 4 : 16);
	for (size_t i = 0; i < rules->n; i++)
		generate_rule(pool, devices, n_devices, &rules->at[i]);
}

static void generate_address(struct pool *pool, uint8_t family, char *text)
{
	uint8_t addr[16];
	bool v6 = family == 6;

	if (v6)
		memcpy(addr, ONE_OF(pool, pool->addr6), 16);
	else
		memcpy(addr, ONE_OF(pool, pool->addr4), 4);
	if (one_in(pool, 3)) /* a neighbour: just inside or outside of a prefix */
		addr[random_below(pool, v6 ? 16 : 4)] ^= 1 << random_below(pool, 8);
	inet_ntop(v6 ? AF_INET6 : AF_INET, addr, text, INET6_ADDRSTRLEN);
}

static uint16_t generate_port(struct pool *pool)
{
	uint16_t port = ONE_OF(pool, pool->ports);

	return one_in(pool, 4) ? port + random_below(pool, 3) - 1 : port;
}

static void turn_round(struct packet_spec *s)
{
	char addr[sizeof(s->src)];
	uint16_t port = s->src_port;

	memcpy(addr, s->src, sizeof(addr));
	memcpy(s->src, s->dst, sizeof(addr));
	memcpy(s->dst, addr, sizeof(addr));
	s->src_port = s->dst_port;
	s->dst_port = port;
}

/* Extension headers; a fragment header has to be among them where the packet is a fragment. */
static void generate_extensions(struct pool *pool, struct packet_spec *s, bool fragment)
{
	static const uint8_t types[] = { 0, 43, 51, 60, 135, 139, 140 };

	if (one_in(pool, 3))
		s->n_extensions = random_below(pool, one_in(pool, 3) ? 10 : 3);
	for (size_t i = 0; i < s->n_extensions; i++)
		s->extension[i] = ONE_OF(pool, types);
	if (fragment) {
		size_t at = random_below(pool, s->n_extensions + 1);

		/* a later fragment has nothing but payload behind the fragment header */
		if (s->offset)
			s->n_extensions = at;
		memmove(s->extension + at + 1, s->extension + at, s->n_extensions - at);
		s->extension[at] = IPPROTO_FRAGMENT;
		s->n_extensions++;
	}
}

static void new_spec(struct pool *pool, struct packet_spec *s)
{
	static const uint16_t others[] = { 0x0806, 0x88cc, 0x8847, 0x0100, 0x86de };
	static const uint8_t types[] = { 0, 3, 8, 127, 128, 135 };
	bool fragment = one_in(pool, 5);

	*s = (struct packet_spec){ .family = one_in(pool, 12) ? 0 : one_in(pool, 2) ? 4 : 6 };
	if (one_in(pool, 3)) {
		for (size_t i = 0, n = 1 + random_below(pool, 3); i < n; i++) {
			s->tag[i].type = one_in(pool, 3) ? 0x88a8 : 0x8100;
			s->tag[i].tci = ONE_OF(pool, pool->vlans) | random_below(pool, 16) << 12;
		}
	}
	s->ethertype = ONE_OF(pool, others);
	s->payload = random_below(pool, 40);
	if (!s->family)
		return;
	generate_address(pool, s->family, s->src);
	generate_address(pool, s->family, s->dst);
	s->proto = ONE_OF(pool, protocols);
	s->src_port = generate_port(pool);
	s->dst_port = generate_port(pool);
	s->tcp_flags = random64(pool);
	s->icmp_type = ONE_OF(pool, types);
	if (fragment) {
		s->id = random_below(pool, 3);
		s->offset = one_in(pool, 2) ? 0 : random_below(pool, 8192);
		s->more = !one_in(pool, 4);
	}
	if (s->family == 4)
		s->options = one_in(pool, 5) ? random_below(pool, 11) : 0;
	else
		generate_extensions(pool, s, fragment);
}

/* Another packet of a datagram or flow that was there before. */
static void repeat_spec(struct pool *pool, struct packet_spec *s)
{
	*s = ONE_OF(pool, pool->specs);
	if (one_in(pool, 3))
		turn_round(s);
	if (one_in(pool, 3))
		s->tcp_flags = random64(pool);
	if (s->more || s->offset) {
		bool first = one_in(pool, 3);

		s->offset = first ? 0 : 1 + random_below(pool, 8191);
		s->more = first || one_in(pool, 2);
		if (s->family == 6 && s->offset)
			while (s->n_extensions && s->extension[s->n_extensions - 1] != IPPROTO_FRAGMENT)
				s->n_extensions--;
	}
}

void generate_spec(struct pool *pool, struct packet_spec *s)
{
	if (pool->n_specs == POOL_SHAPES && one_in(pool, 2)) {
		repeat_spec(pool, s);
		return;
	}
	new_spec(pool, s);
	if (pool->n_specs < POOL_SHAPES)
		pool->specs[pool->n_specs++] = *s;
	else
		ONE_OF(pool, pool->specs) = *s;
}

/* Mostly where a header says how long something is, or what comes next; 32 is TCP's data offset. */
static size_t damaged_place(struct pool *pool, const struct packet *p)
{
	static const uint8_t lengths4[] = { 0, 2, 3, 6, 9, 32 };
	static const uint8_t lengths6[] = { 0, 4, 5, 6, 40, 41, 43, 52 };

	switch (random_below(pool, 4)) {
	case 0:
		return random_below(pool, p->len);
	case 1:
		return p->l3 + ONE_OF(pool, lengths4);
	case 2:
		return p->l3 + ONE_OF(pool, lengths6);
	default:
		return p->l3 + random_below(pool, 24);
	}
}

static uint8_t damaged_byte(struct pool *pool, uint8_t byte)
{
	switch (random_below(pool, 3)) {
	case 0:
		return random64(pool);
	case 1:
		return byte ^ 1 << random_below(pool, 8);
	default:
		return byte + (one_in(pool, 2) ? 1 : -1);
	}
}

void generate_packet(struct pool *pool, const struct packet_spec *spec, struct packet *p)
{
	packet_build(spec, p);
	if (!one_in(pool, 5))
		return;
	if (one_in(pool, 2)) {
		packet_cut(p, 14 + random_below(pool, p->len - 13));
		if (spec->family && one_in(pool, 2))
			packet_fit(p);
	}
	for (uint32_t n = random_below(pool, 3); n; n--) {
		size_t at = damaged_place(pool, p);

		if (at < p->len)
			p->data[at] = damaged_byte(pool, p->data[at]);
	}
}
