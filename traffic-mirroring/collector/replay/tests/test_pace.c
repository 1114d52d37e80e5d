/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../pace.h"

#include "../../../../common/clock.h"
#include "../../../../common/tests/unit.h"

/* How many are allowed now. */
static unsigned int allowed(struct pace *p, uint64_t now_ns)
{
	unsigned int n = 0;

	while (n < 10000 && pace_allows(p, now_ns))
		n++;
	return n;
}

TEST(limits)
{
	uint64_t now_ns = 1000;
	struct pace p;

	pace_begin(&p, 100, now_ns);
	assert_int_equal(allowed(&p, now_ns), 11);
	now_ns += SECOND_NS / 20;
	assert_int_equal(allowed(&p, now_ns), 5);
	/* what was not used does not add up */
	now_ns += 10 * SECOND_NS;
	assert_int_equal(allowed(&p, now_ns), 11);
	pace_begin(&p, 0, now_ns);
	assert_int_equal(allowed(&p, now_ns), 10000);
}

TEST_MAIN(NULL, NULL)
