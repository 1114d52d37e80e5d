// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <stdlib.h>

#include "../../../common/tests/unit.h"
#include "../groups.h"

static struct mirror_state host;
static struct mirror_group groups[MIRROR_MAX_GROUPS];
static struct shared shared = { .state = &host, .groups = groups };

static struct mirror_group group_with_ttl(uint8_t ttl)
{
	return (struct mirror_group){ .ttl = ttl };
}

/* What was said of the group before it must not stop copies to the new one. */
TEST(a_new_group_in_a_slot_is_not_stopped)
{
	struct mirror_group first = group_with_ttl(1), second = group_with_ttl(2);
	bool wanted[MIRROR_MAX_GROUPS] = {};

	assert_int_equal(groups_put(&shared, wanted, &first), 0);
	assert_int_equal(first.id, MIRROR_MAX_GROUPS);
	host.stopped[0] = 1;
	wanted[0] = false;
	assert_int_equal(groups_put(&shared, wanted, &second), 0);
	assert_int_equal(second.id, 2 * MIRROR_MAX_GROUPS);
	assert_true(wanted[0]);
	assert_int_equal(host.stopped[0], 0);
}

TEST(the_same_group_is_found_again_and_a_wanted_one_stays)
{
	struct mirror_group second = group_with_ttl(2), third = group_with_ttl(3);
	bool wanted[MIRROR_MAX_GROUPS] = {};

	assert_int_equal(groups_put(&shared, wanted, &second), 0);
	assert_int_equal(second.id, 2 * MIRROR_MAX_GROUPS);
	assert_int_equal(groups_put(&shared, wanted, &third), 0);
	assert_int_equal(third.id, MIRROR_MAX_GROUPS + 1);
	assert_int_equal(groups[0].id, second.id);
}

TEST_MAIN(NULL, NULL)
