/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "spread.h"

#include <errno.h>
#include <string.h>

#include "../abi/flow_hash.h"

uint64_t spread_identity(const char *format, const struct address *address, uint16_t port)
{
	uint64_t identity = hash_mix((uint64_t)address->family << 16 | port), half[2];

	memcpy(half, address->bytes, sizeof(half));
	identity = hash_mix(hash_mix(identity + half[0]) + half[1]);
	for (; *format; format++)
		identity = hash_mix(identity + (uint8_t)*format);
	return identity;
}

#define LN2 0.69314718055994530942
#define SQRT2 1.41421356237309504880

/*
 * ln(u) for 0 < u < 1, to 7 digits. Our own, because the results of different libms differ in the last
 * digit, and hosts must agree. u = m * 2^e, and ln(m) = 2 artanh((m - 1) / (m + 1)).
 */
static double natural_log(double u)
{
	double m, s, square, series = 0;
	uint64_t bits;
	int e;

	memcpy(&bits, &u, sizeof(bits));
	e = (int)(bits >> 52) - 1023;
	bits = (bits & 0xfffffffffffff) | 1023ULL << 52;
	memcpy(&m, &bits, sizeof(m));
	if (m > SQRT2) {
		m /= 2;
		e++;
	}
	s = (m - 1) / (m + 1);
	square = s * s;
	for (int i = 7; i > 0; i -= 2)
		series = series * square + 1.0 / i;
	return e * LN2 + 2 * s * series;
}

/*
 * -weight / ln(u), u uniform in (0, 1): a collector's share of the highest draws is its share of the weights.
 * The half keeps u away from 0 and from 1.
 */
static double draw(const struct spread_share *c, uint32_t hash)
{
	uint64_t lot = hash_mix(c->identity ^ hash_mix(hash));

	return -(double)c->weight / natural_log(((double)(lot >> 12) + 0.5) * 0x1p-52);
}

static bool usable(const struct spread_share *c)
{
	return c->weight && !c->drained && !c->unreachable;
}

int spread_choose(const struct spread_share *collectors, size_t n, uint32_t hash)
{
	int best = -ENOENT;
	double highest = 0, lot;

	if (n == 1) /* a draw takes 30 ns */
		return usable(collectors) ? 0 : -ENOENT;
	for (size_t i = 0; i < n; i++) {
		if (!usable(&collectors[i]))
			continue;
		lot = draw(&collectors[i], hash);
		if (lot > highest) {
			highest = lot;
			best = i;
		}
	}
	return best;
}
