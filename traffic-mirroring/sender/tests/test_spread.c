/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../common/tests/unit.h"
#include "../spread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../abi/flow_hash.h"

#define FLOWS 10000
#define MOST 9

static struct spread_share collectors[MOST];
static int chosen[FLOWS];

static struct spread_share collector(uint8_t last, uint32_t weight)
{
	const struct address address = { AF_INET, { 192, 0, 2, last } };

	return (struct spread_share){ .identity = spread_identity("gue", &address, 6080), .weight = weight };
}

/* Flows as a client's source ports and addresses make them. */
static uint32_t flow(int i)
{
	uint32_t src[4] = { 0x0200000a + (i % 50 << 24) }, dst[4] = { 0x0101000a };

	return hash_flow(hash_end(src, 32768 + i), hash_end(dst, 443), 6);
}

/* Flows that are with another collector than before; how many each has, into share. */
static int assign(size_t n, int *share)
{
	int moved = 0;

	memset(share, 0, MOST * sizeof(*share));
	for (int i = 0; i < FLOWS; i++) {
		int to = spread_choose(collectors, n, flow(i));

		assert_uint_in_range(to, 0, n - 1);
		moved += to != chosen[i];
		chosen[i] = to;
		share[to]++;
	}
	return moved;
}

FIXTURE(fresh)
{
	for (int c = 0; c < MOST; c++)
		collectors[c] = collector(c + 1, 1);
	return 0;
}

TEST_AFTER(even, fresh)
{
	static const size_t sizes[] = { 2, 3, 8 };
	int share[MOST];

	for (size_t i = 0; i < 3; i++) {
		size_t n = sizes[i];

		assign(n, share);
		for (size_t c = 0; c < n; c++) {
			print_message("  %zu collectors: %d %+.1f %%\n", n, share[c],
				      100.0 * share[c] * n / FLOWS - 100);
			assert_uint_in_range(share[c] * n, FLOWS * 90 / 100, FLOWS * 110 / 100);
		}
	}
}

TEST_AFTER(one_more, fresh)
{
	int share[MOST], moved;

	assign(8, share);
	moved = assign(9, share);
	print_message("  %d of %d flows moved\n", moved, FLOWS);
	assert_int_equal(moved, share[8]); /* to the new one only */
	assert_uint_in_range(moved, FLOWS / 9 * 90 / 100, FLOWS / 9 + FLOWS * 3 / 100);
}

/* Out and back, by the operator and by failover: others' flows stay, and its own come back. */
TEST_AFTER(taken_out, fresh)
{
	int before[MOST], share[MOST];

	for (int by = 0; by < 2; by++) {
		assign(8, before);
		*(by ? &collectors[3].unreachable : &collectors[3].drained) = true;
		assert_int_equal(assign(8, share), before[3]);
		assert_int_equal(share[3], 0);
		collectors[3].drained = collectors[3].unreachable = false;
		assert_int_equal(assign(8, share), before[3]);
		assert_memory_equal(share, before, sizeof(share));
	}
}

TEST_AFTER(order_does_not_matter, fresh)
{
	int share[MOST];

	assign(8, share);
	for (int c = 0; c < 8; c++)
		collectors[c] = collector(8 - c, 1);
	for (int i = 0; i < FLOWS; i++)
		assert_int_equal(spread_choose(collectors, 8, flow(i)), 7 - chosen[i]);
}

TEST_AFTER(weights, fresh)
{
	int share[MOST];

	collectors[0].weight = 10;
	collectors[1].weight = 20;
	collectors[2].weight = 70;
	collectors[3].weight = 0;
	assign(4, share);
	assert_uint_in_range(share[0], 900, 1100);
	assert_uint_in_range(share[1], 1850, 2150);
	assert_uint_in_range(share[2], 6800, 7200);
	assert_int_equal(share[3], 0);
	/* less weight: only its own flows go elsewhere */
	collectors[2].weight = 30;
	for (int i = 0; i < FLOWS; i++)
		if (chosen[i] != 2)
			assert_int_equal(spread_choose(collectors, 4, flow(i)), chosen[i]);
}

TEST_AFTER(nobody, fresh)
{
	assert_int_equal(spread_choose(collectors, 0, 1), -ENOENT);
	collectors[0].drained = true;
	collectors[1].unreachable = true;
	collectors[2].weight = 0;
	assert_int_equal(spread_choose(collectors, 3, 1), -ENOENT);
}

TEST_AFTER(identity, fresh)
{
	struct address a = { AF_INET, { 192, 0, 2, 1 } }, b = { AF_INET6, { 192, 0, 2, 1 } };
	uint64_t id = spread_identity("gue", &a, 6080);

	assert_true(id == spread_identity("gue", &a, 6080));
	assert_false(id == spread_identity("gue", &a, 6081));
	assert_false(id == spread_identity("vxlan", &a, 6080));
	assert_false(id == spread_identity("gue", &b, 6080));
	a.bytes[15] = 1;
	assert_false(id == spread_identity("gue", &a, 6080));
}

/* Hosts have to agree, also of different versions: this is on the wire, so to say. */
/* Hosts of the same byte order choose alike, in all versions. */
TEST_AFTER(stable, fresh)
{
	static const int expected[] = { 0, 2, 6, 4, 1, 0, 7, 6, 4, 1, 5, 0, 2, 3, 2, 4 };

	if (htons(1) == 1) {
		print_message("# skip: the numbers are those of little-endian hosts\n");
		skip();
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(spread_choose(collectors, 8, flow(i)), expected[i]);
}

TEST_MAIN(NULL, NULL)
