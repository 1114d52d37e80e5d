// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What a commit leaves in both banks: the configuration in force, and the one to which a rollback leads. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../../common/bpf_info.h"
#include "../../../common/tests/unit.h"
#include "../../updater/maps.h"
#include "group.h"

static const struct packet_spec flow = { .family = 4,
					 .proto = IPPROTO_UDP,
					 .src = "192.0.2.1",
					 .dst = "198.51.100.1",
					 .src_port = 40000,
					 .dst_port = 443 };

static struct tables *tables(void)
{
	return fixture.datapath[INGRESS].tables;
}

static int commit(const char *rules)
{
	struct configuration *c = datapath_configuration(rules);
	int err;

	assert_non_null(c);
	err = tables_commit(tables(), c, false);
	configuration_free(c);
	return err;
}

static enum mirror_outcome outcome(void)
{
	return group_spec(INGRESS, &flow).outcome;
}

TEST(a_new_prefix_leaves_what_the_previous_filters_decide)
{
	static const char *const sets[] = { "mirror src 192.0.2.0/24 to d0", "skip src 192.0.2.1/32",
					    "skip src 192.0.2.0/31" };

	for (int i = 0; i < 3; i++) {
		assert_int_equal(commit(sets[0]), 0);
		assert_int_equal(outcome(), OUT_DEVICE);
		assert_int_equal(commit(sets[1 + i % 2]), 0);
		assert_int_equal(outcome(), OUT_SKIPPED);
		assert_int_equal(tables_rollback(tables()), 0);
		assert_int_equal(outcome(), OUT_DEVICE);
	}
}

TEST(a_commit_that_fails_half_way_leaves_nothing_to_go_back_to)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, read_only, .open_flags = BPF_F_RDONLY);
	struct delivery delivery;
	int *src4 = &tables()->fd[MAP_SRC4], whole = *src4;

	assert_int_equal(commit("mirror to d0"), 0);
	assert_int_equal(commit("skip"), 0);
	assert_true(tables_config(tables()).can_rollback);
	*src4 = bpf_map_get_fd_by_id_opts(bpf_info_id(whole), &read_only);
	assert_true(*src4 >= 0);
	assert_int_not_equal(commit("mirror src 10.9.8.7/32 to d0"), 0);
	close(*src4);
	*src4 = whole;
	assert_false(tables_config(tables()).can_rollback);
	assert_int_equal(tables_previous_delivery(tables(), &delivery), -ENOENT);
	assert_int_equal(outcome(), OUT_SKIPPED);
}

/* The kernel numbers maps, and waits for readers when one that leads to another is changed. */
TEST(a_commit_waits_for_the_last_readers)
{
	uint32_t id[2];

	for (int i = 0; i < 2; i++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "numbered", 4, 4, 1, NULL);

		id[i] = bpf_info_id(fd);
		close(fd);
		assert_int_equal(commit("skip"), 0);
	}
	assert_true(id[1] - id[0] > 2);
}

static struct mirror_outer endpoint(uint8_t number)
{
	return (struct mirror_outer){
		.addr = { 198, 51, 100, number }, .family = 4, .proto = IPPROTO_UDP, .port = 4789
	};
}

static void commit_endpoint(uint8_t number)
{
	struct configuration *c = datapath_configuration("skip");

	assert_non_null(c);
	c->outers[c->n_outers++] = endpoint(number);
	assert_int_equal(tables_commit(tables(), c, false), 0);
	configuration_free(c);
}

/* Of an endpoint, by bank: bit 0 in force, bit 1 the other. */
static int banks_of(uint8_t number)
{
	struct mirror_outer key = endpoint(number);
	unsigned int active = tables_config(tables()).bank;
	struct mirror_words words;

	if (bpf_map_lookup_elem(tables()->fd[MAP_OUTERS], &key, &words))
		return 0;
	assert_true(words.bank[0] || words.bank[1]);
	return (words.bank[active] ? 1 : 0) + (words.bank[!active] ? 2 : 0);
}

TEST(tunnel_endpoints_stay_as_long_as_a_bank_has_them)
{
	commit_endpoint(1);
	commit_endpoint(2);
	assert_int_equal(banks_of(1), 2);
	assert_int_equal(banks_of(2), 1);
	commit_endpoint(3);
	assert_int_equal(banks_of(1), 0);
	assert_int_equal(banks_of(2), 2);
	commit_endpoint(3);
	assert_int_equal(banks_of(2), 0);
	assert_int_equal(banks_of(3), 3);
	commit_endpoint(4);
	assert_int_equal(banks_of(3), 2);
	assert_int_equal(commit("skip"), 0);
	assert_int_equal(banks_of(3), 0);
}

static void visit(void *ctx, uint32_t group)
{
	*(uint32_t *)ctx = group;
}

static uint32_t group_in_use(void)
{
	uint32_t group = 0;

	tables_each_group(tables(), visit, &group);
	return group;
}

TEST(a_group_is_in_use_until_no_rollback_leads_to_it)
{
	struct configuration *c = datapath_configuration("mirror");

	assert_non_null(c);
	c->rows[0].exit = EXIT_RING;
	c->rows[0].group = 300;
	assert_int_equal(tables_commit(tables(), c, false), 0);
	configuration_free(c);
	assert_int_equal(group_in_use(), 300);
	assert_int_equal(commit("skip"), 0);
	assert_int_equal(group_in_use(), 300);
	assert_int_equal(commit("skip"), 0);
	assert_int_equal(group_in_use(), 0);
}

/* The last test: the data path does not see the small table. */
TEST(prefixes_are_removed_before_others_need_their_room)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	int *src4 = &tables()->fd[MAP_SRC4], whole = *src4;
	char rules[64];

	*src4 = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "small", sizeof(struct mirror_key4),
			       sizeof(struct mirror_words), MIRROR_BANKS * 2 + MIRROR_SPARE_PREFIXES,
			       &options);
	assert_true(*src4 >= 0);
	for (int i = 0; i < 4; i++) {
		snprintf(rules, sizeof(rules), "skip src 10.0.%d.0/32,10.0.%d.2/32", i, i);
		assert_int_equal(commit(rules), 0);
	}
	close(*src4);
	*src4 = whole;
}

TEST_MAIN(group_enter, group_leave)
