/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Classes and words of names, in arrays of this process: what a flow with a name meets after commits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../common/tests/capture.h"
#include "../../../common/tests/unit.h"
#include "../../host/names.h"
#include "../../host/shared.h"
#include "../classes.h"
#include "../rules.h"

#define SETS 16

static struct mirror_state host_state;
static struct mirror_flow_set flows[SETS];
static struct mirror_name *names_map;
static struct mirror_words *accepts;
static struct mirror_ruleset *rulesets;
static struct shared host;
static struct rulesets_used used;

FIXTURE(setup)
{
	memset(&host_state, 0, sizeof(host_state));
	memset(flows, 0, sizeof(flows));
	memset(&used, 0, sizeof(used));
	names_map = calloc(MIRROR_MAX_CLASSES, sizeof(*names_map));
	accepts = calloc((size_t)MIRROR_MAX_RULESETS * MIRROR_MAX_CLASSES, sizeof(*accepts));
	rulesets = calloc(MIRROR_MAX_RULESETS, sizeof(*rulesets));
	host = (struct shared){ .state = &host_state,
				.flows = flows,
				.flow_sets = SETS,
				.accepts = accepts,
				.names = names_map,
				.rulesets = rulesets };
	return !names_map || !accepts || !rulesets;
}

FIXTURE(teardown)
{
	free(names_map);
	free(accepts);
	free(rulesets);
	return 0;
}

static struct configuration *configuration(const char *rules, uint16_t ruleset)
{
	struct configuration *c = configuration_new();

	assert_non_null(c);
	assert_int_equal(rules_parse("rules", rules, c->filters), 0);
	for (size_t i = 0; i < c->filters->n; i++)
		c->rows[i] = filter_row(&c->filters->at[i]);
	c->host = &host;
	c->ruleset = ruleset;
	return c;
}

/* As an update does. */
static void commit(const char *rules, uint16_t ruleset, unsigned int bank)
{
	struct configuration *c = configuration(rules, ruleset);

	assert_int_equal(classes_put(&host, c->filters, &used), 0);
	assert_int_equal(ruleset_write(c, bank, bank + 0x50007), 0);
	used.bank[ruleset][bank] = true;
	configuration_free(c);
}

static uint16_t class_of(const char *name)
{
	struct names *index = names_index(names_map);
	uint16_t class;

	assert_non_null(index);
	class = names_class(index, name);
	free(index);
	return class;
}

/* The filters that a flow of this name meets. */
static uint64_t met(const char *name, uint16_t ruleset, unsigned int bank)
{
	uint16_t class = class_of(name);
	uint64_t word = rulesets[ruleset].nodomain[bank];

	return class == CLASS_NONE ? word : word | accepts[ruleset * MIRROR_MAX_CLASSES + class].bank[bank];
}

TEST_BETWEEN(test_words, setup, teardown)
{
	commit("skip domain ads.example.com; mirror domain *.example.com,example.com first 10p; mirror port "
	       "53;"
	       "mirror domain *.com",
	       5, 1);
	assert_int_equal(met("ads.example.com", 5, 1), 0xf);
	assert_int_equal(met("www.example.com", 5, 1), 0xe);
	assert_int_equal(met("example.com", 5, 1), 0xe);
	assert_int_equal(met("example.org", 5, 1), 0x4);
	assert_int_equal(met("com", 5, 1), 0x4);
	assert_int_equal(met("a.com", 5, 1), 0xc);
	assert_int_equal(rulesets[5].generation[1] & (RULESET_USE - 1), 8);
	assert_int_equal(rulesets[5].verdict[1][0].action, ACTION_SKIP);
	assert_int_equal(rulesets[5].verdict[1][1].first, FLOW_PACKETS | 10);
	assert_int_equal(host_state.names_generation, 1);

	/* what was there keeps its class */
	commit("mirror domain *.com", 5, 0);
	assert_int_equal(host_state.names_generation, 1);
	assert_int_equal(met("ads.example.com", 5, 0), 1);
	assert_int_equal(met("ads.example.com", 5, 1), 0xf);
}

/* A name that another rule set adds changes nothing for this one, in either bank. */
TEST_BETWEEN(test_new_names_inherit, setup, teardown)
{
	commit("mirror domain *.example.com", 0, 0);
	commit("skip domain *.org; mirror domain *.com", 0, 1);
	commit("mirror domain *.a.example.com,www.a.example.com; skip domain a.org", 31, 0);
	assert_int_equal(met("www.a.example.com", 0, 0), 1);
	assert_int_equal(met("www.a.example.com", 0, 1), 2);
	assert_int_equal(met("x.a.example.com", 0, 1), 2);
	assert_int_equal(met("a.org", 0, 0), 0);
	assert_int_equal(met("a.org", 0, 1), 1);
	assert_int_equal(met("www.a.example.com", 31, 0), 1);
	assert_int_equal(met("b.example.com", 31, 0), 0);
}

TEST_BETWEEN(test_read_back, setup, teardown)
{
	static const char rules[] = "mirror domain example.com,*.example.com\n"
				    "skip port 53\n"
				    "mirror domain *.com,ads.example.net\n";
	struct configuration *c = configuration(rules, 3), *back = configuration("mirror;skip;mirror", 3);
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	commit(rules, 3, 0);
	commit("mirror domain www.example.com,*.net", 4, 0);
	for (size_t i = 0; i < c->filters->n; i++)
		back->filters->at[i].constrained = c->filters->at[i].constrained & 1U << DIM_DOMAIN;
	assert_int_equal(ruleset_read(3, 0, &host, back->filters), 0);
	assert_int_equal(rules_print(to, back->filters), 0);
	fclose(to);
	assert_string_equal(text, "mirror domain example.com,*.example.com\n"
				  "skip\n"
				  "mirror domain *.com,ads.example.net\n");
	free(text);
	configuration_free(c);
	configuration_free(back);
}

/* All names there can be: n of them, rules "mirror domain 0.<suffix>,1.<suffix>…". */
static char *many(unsigned int n, const char *suffix)
{
	char *text = malloc(n * 24 + 32), *end = text + sprintf(text, "mirror domain x.%s", suffix);

	assert_non_null(text);
	for (unsigned int i = 1; i < n; i++)
		end += sprintf(end, ",n%u.%s", i, suffix);
	return text;
}

TEST_BETWEEN(test_unused_classes_are_taken_back, setup, teardown)
{
	char *first = many(4000, "first"), *second = many(4000, "second"), *third = many(4000, "third");
	uint16_t unused = 0, kept;
	struct configuration *c;

	commit(first, 0, 0);
	commit(second, 0, 1);
	kept = class_of("n7.second");

	/* both banks are in use: refused, and nothing has changed */
	c = configuration(third, 0);
	capture_start();
	assert_int_equal(classes_put(&host, c->filters, &used), -ENOSPC);
	assert_non_null(strstr(capture_end(), "12000 different names"));
	configuration_free(c);
	assert_int_equal(host_state.names_generation, 2);

	/* the first bank is written again: its names are only those of flows */
	commit("mirror domain *.first", 0, 0);
	unused = class_of("n9.first");
	flows[3].flow[2] = (struct mirror_flow){ .tag = 1, .class = unused, .seen = 77 };
	flows[4].flow[0] = (struct mirror_flow){ .tag = 2, .class = kept, .seen = 78 };
	flows[4].flow[1] = (struct mirror_flow){ .tag = 3, .class = CLASS_MIDDLE };
	flows[4].flow[3] = (struct mirror_flow){ .tag = 4, .class = MIRROR_MAX_CLASSES };
	commit(third, 1, 0);
	assert_int_not_equal(class_of("n9.first"), unused);
	assert_int_equal(class_of("n9.first"), class_of("z.first"));
	assert_int_equal(flows[3].flow[2].class, class_of("n9.first"));
	assert_int_equal(flows[3].flow[2].tag, 1);
	assert_int_equal(flows[3].flow[2].seen, 77);
	assert_int_equal(flows[4].flow[0].class, kept);
	assert_int_equal(flows[4].flow[1].class, CLASS_MIDDLE);
	assert_int_equal(flows[4].flow[3].class, MIRROR_MAX_CLASSES);
	assert_int_equal(met("n9.first", 0, 0), 1);
	assert_int_equal(met("n3.second", 0, 1), 1);
	assert_int_equal(met("n3.third", 1, 0), 1);
	assert_int_equal(met("n3.third", 0, 0), 0);
	free(first);
	free(second);
	free(third);
}

TEST_BETWEEN(test_damaged_names, setup, teardown)
{
	for (int class = 0; class < MIRROR_MAX_CLASSES; class ++)
		names_map[class].len = 255;
	commit("mirror domain example.com", 0, 0);
	assert_int_equal(met("example.com", 0, 0), 1);
}

TEST_MAIN(NULL, NULL)
