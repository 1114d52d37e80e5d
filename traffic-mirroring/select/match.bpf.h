/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which filter decides: each table clears bits in one word with a bit per filter; the lowest
 * remaining bit wins. A dimension that no filter uses costs one comparison.
 */
#pragma once

#include "maps.bpf.h"
#include "parse.bpf.h"

/* The filters that accept this value of a dimension. */
static __always_inline __u64 accepted(void *table, const void *key, __u32 bank)
{
	struct mirror_words *words = bpf_map_lookup_elem(table, key);

	return words ? words->bank[bank & 1] : 0;
}

/* there: the packet has this value; filters that test the dimension match only then. */
static __always_inline __u64 narrow(__u64 word, __u64 tests, bool there, void *table, __u32 value, __u32 bank)
{
	if (!(word & tests))
		return word;
	return word & (~tests | (there ? accepted(table, &value, bank) : 0));
}

static __always_inline __u64 narrow_address(__u64 word, __u64 tests, __u32 family, const __u32 *addr,
					    void *table4, void *table6, __u32 bank)
{
	__u64 accepts = 0;

	if (!(word & tests))
		return word;
	if (family == 4) {
		struct mirror_key4 key = { .prefix_len = 32 };

		__builtin_memcpy(key.addr, addr, sizeof(key.addr));
		accepts = accepted(table4, &key, bank);
	} else if (family == 6) {
		struct mirror_key6 key = { .prefix_len = 128 };

		__builtin_memcpy(key.addr, addr, sizeof(key.addr));
		accepts = accepted(table6, &key, bank);
	}
	return word & (~tests | accepts);
}

/* The filters that accept a port; 0: none, or the packet has no ports. */
static __always_inline __u64 accepted_port(const struct mirror_bank *b, enum mirror_dimension dim,
					   void *table, const struct mirror_packet *p, __u16 port, __u32 bank)
{
	__u32 key;

	if (!p->ports)
		return 0;
	key = b->block[dim - DIM_DST_PORT][port / MIRROR_PORT_BLOCK];
	if (key == NO_PORTS)
		return 0;
	key += port % MIRROR_PORT_BLOCK;
	return accepted(table, &key, bank);
}

static __always_inline __u64 narrow_ports(__u64 word, const struct mirror_bank *b,
					  const struct mirror_packet *p, __u32 bank)
{
	__u64 tests = b->tests[DIM_DST_PORT];

	if (word & tests)
		word &= ~tests | accepted_port(b, DIM_DST_PORT, &MAP(dst_port), p, p->dst_port, bank);
	if (!word)
		return 0;
	tests = b->tests[DIM_SRC_PORT];
	if (word & tests)
		word &= ~tests | accepted_port(b, DIM_SRC_PORT, &MAP(src_port), p, p->src_port, bank);
	tests = b->tests[DIM_PORT];
	if (word & tests)
		word &= ~tests | accepted_port(b, DIM_PORT, &MAP(port), p, p->src_port, bank) |
			accepted_port(b, DIM_PORT, &MAP(port), p, p->dst_port, bank);
	return word;
}

/* The filters that accept the packet. The lowest bit decides; higher bits are not exact. */
static __always_inline __u64 match(const struct mirror_bank *b, const struct mirror_packet *p, __u32 bank)
{
	bool late = unlikely(p->fragment == FRAGMENT_LATER); /* lacks the layer-4 header */
	__u64 word = b->filters, lowest;

	/* ports tell most packets apart */
	if (!late)
		word = narrow_ports(word, b, p, bank);
	if (!word)
		return 0;
	word = narrow(word, b->tests[DIM_PROTO], p->family, &MAP(proto), p->proto, bank);
	if (!late) {
		word = narrow(word, b->tests[DIM_TCP_FLAGS], p->family && p->proto == IPPROTO_TCP,
			      &MAP(tcp_flags), p->tcp_flags, bank);
		word = narrow(word, b->tests[DIM_ICMP_TYPE], p->family && is_icmp(p->proto), &MAP(icmp_type),
			      p->icmp_type, bank);
	}
	if (!word)
		return 0;
	word = narrow(word, b->tests[DIM_VLAN], p->vlan != NO_VLAN, &MAP(vlan), p->vlan, bank);
	word = narrow(word, b->tests[DIM_MALFORMED], true, &MAP(malformed), p->malformed, bank);
	/*
	 * Addresses cost most: skip them if the first remaining filter decides. If it asks for the name,
	 * which comes last, others may decide.
	 */
	lowest = word & -word;
	if (!(lowest & (b->tests[DIM_SRC] | b->tests[DIM_DST] | b->tests[DIM_DOMAIN])))
		return word;
	word = narrow_address(word, b->tests[DIM_SRC], p->family, p->src, &MAP(src4), &MAP(src6), bank);
	return narrow_address(word, b->tests[DIM_DST], p->family, p->dst, &MAP(dst4), &MAP(dst6), bank);
}

/*
 * Index of the lowest bit of a word that is not 0: how many bits are below it. Without branches: the verifier
 * would follow what comes next once for each of the 64 results.
 */
static __always_inline __u32 lowest_bit(__u64 word)
{
	__u64 below = ~word & (word - 1);

	barrier_var(below); /* or the compiler makes a look-up in .rodata of it */
	return __builtin_popcountll(below);
}
