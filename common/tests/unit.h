/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * cmocka with less to write: TEST(name) { … } is a test, TEST_AFTER(name, setup) one with a set-up before it,
 * TEST_BETWEEN(name, setup, teardown) one with both. FIXTURE(name) { … } is either: 0 if it succeeds.
 * They run in the order in which they stand in the file, which ends with TEST_MAIN(setup, teardown) of the
 * whole group, NULL: none; or with a main() that calls unit_run().
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct CMUnitTest unit_tests[32];
static size_t unit_count;

#define TEST_BETWEEN(name, setup, teardown)                                                        \
	static void name(void **state);                                                            \
	static void __attribute__((constructor)) add_##name(void)                                  \
	{                                                                                          \
		unit_tests[unit_count++] =                                                         \
			(struct CMUnitTest)cmocka_unit_test_setup_teardown(name, setup, teardown); \
	}                                                                                          \
	static void name(void **state __attribute__((unused)))
#define TEST_AFTER(name, setup) TEST_BETWEEN(name, setup, NULL)
#define TEST(name) TEST_AFTER(name, NULL)
#define FIXTURE(name) static int name(void **state __attribute__((unused)))

static inline int unit_run(CMFixtureFunction setup, CMFixtureFunction teardown)
{
	return _cmocka_run_group_tests("tests", unit_tests, unit_count, setup, teardown);
}

#define TEST_MAIN(setup, teardown)                \
	int main(void)                            \
	{                                         \
		return unit_run(setup, teardown); \
	}
