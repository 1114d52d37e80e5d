/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../../../../common/tests/unit.h"
#include "../queue.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 4096

/* What comes out is what went in, in its order, whatever the sizes, also around the ring's end. */
TEST(in_order)
{
	struct queue *queue = queue_new(SIZE);
	uint32_t in = 0, out = 0, full = 0, rule;
	uint8_t bytes[1500];
	struct segment s;

	assert_non_null(queue);
	assert_false(queue_first(queue, &s, &rule));
	srandom(1);
	while (out < 100000) {
		if (random() % 2) {
			uint32_t len = random() % sizeof(bytes);

			memset(bytes, in, sizeof(bytes));
			s = (struct segment){ .seq = in, .len = len, .payload = bytes };
			if (queue_put(queue, &s, in % 7))
				in++;
			else
				full++;
		} else if (queue_first(queue, &s, &rule)) {
			assert_int_equal(s.seq, out);
			assert_int_equal(rule, out % 7);
			for (uint32_t i = 0; i < s.len; i++)
				assert_int_equal(s.payload[i], (uint8_t)out);
			queue_next(queue);
			out++;
		} else {
			assert_int_equal(in, out);
		}
	}
	assert_true(full > 0);
	queue_free(queue);
}

/* It takes as many as have room, and after they are gone as many again. */
TEST(full)
{
	struct queue *queue = queue_new(SIZE);
	struct segment s = { .len = 0, .payload = (const uint8_t *)"" };
	uint32_t first = 0, rule;

	for (int round = 0; round < 10; round++) {
		uint32_t n = 0;

		while (queue_put(queue, &s, 0))
			n++;
		assert_true(n >= SIZE / 200);
		assert_true(!first || n + 1 >= first);
		first = n;
		for (; n; n--) {
			assert_true(queue_first(queue, &s, &rule));
			queue_next(queue);
		}
		assert_false(queue_first(queue, &s, &rule));
		s.payload = (const uint8_t *)"";
	}
	s.len = 2 * SIZE;
	s.payload = calloc(1, s.len);
	assert_false(queue_put(queue, &s, 0));
	free((void *)s.payload);
	queue_free(queue);
}

TEST_MAIN(NULL, NULL)
