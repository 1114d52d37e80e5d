/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "../pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../../../common/clock.h"

/* How many are allowed now. */
static unsigned int allowed(struct pace *p, uint64_t now_ns)
{
	unsigned int n = 0;

	while (n < 10000 && pace_allows(p, now_ns))
		n++;
	return n;
}

static void limits(void **state)
{
	uint64_t now_ns = 1000;
	struct pace p;

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(limits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
