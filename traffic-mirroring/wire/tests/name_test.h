/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the tests of names in TLS and in QUIC share. FLOW_TEST needs a fixture begin of the test's own. */
#pragma once

#include "../../../common/tests/unit.h"
#include "name_flow.h"

#define NAME "www.example.com"

static struct name_flow flow;

FIXTURE(end)
{
	(void)state;
	name_flow_end(&flow);
	return 0;
}

#define FLOW_TEST(name) TEST_BETWEEN(name, begin, end)

static void assert_found(const char *name)
{
	assert_int_equal(flow.state, NAME_FOUND);
	assert_string_equal(flow.name, name);
}
