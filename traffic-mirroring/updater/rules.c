/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keywords.h"

#define ACTIONS 3
static const char *const actions[ACTIONS] = {
	[ACTION_SKIP] = "skip",
	[ACTION_MIRROR] = "mirror",
	[ACTION_COUNT] = "count",
};

/* The next word of the rule; len 0 at its end. */
static struct span next_word(struct reader *r)
{
	struct span word;

	r->at += strspn(r->at, " \t");
	word.at = r->at;
	word.len = strcspn(r->at, " \t\n;#");
	r->at += word.len;
	return word;
}

/* The value of a keyword: a word, and those that a + at its end or at their beginning joins to it. */
static struct span next_value(struct reader *r)
{
	struct span value = next_word(r), word = value;

	while (word.len && (word.at[word.len - 1] == '+' || r->at[strspn(r->at, " \t")] == '+')) {
		word = next_word(r);
		if (word.len)
			value.len = word.at + word.len - value.at;
	}
	return value;
}

static void read_keyword(struct reader *r, struct filter *f, uint32_t *seen, struct span word,
			 const struct keyword *k)
{
	struct span value = next_value(r);

	if (*seen >> k->id & 1)
		complain(r, word, "\"%s\" is in the line twice", k->name);
	else if (!keyword_allowed(f, k) && f->action == ACTION_COUNT)
		complain(r, word, "\"%s\" is about sending copies, and count makes none", k->name);
	else if (!keyword_allowed(f, k))
		complain(r, word, "\"%s\" is an option, and skip takes none", k->name);
	else if (!value.len)
		complain(r, word, "\"%s\" has no value", k->name);
	else
		k->read(r, f, k, value);
	*seen |= 1U << k->id;
}

/* Options that have a value for each leg; without `to`, the delivery options say how many there are. */
static void check_legs(struct reader *r, const struct filter *f, struct span rule)
{
	size_t legs = f->action == ACTION_COUNT ? 1 : filter_legs(f);

	for (const struct keyword *k = keywords; k < keywords + KEYWORDS; k++) {
		enum leg_option option = keyword_leg_option(k);

		if (legs && option != LEG_OPTIONS && !legs_fit(&f->leg[option], legs))
			complain(r, rule, LEGS_MISFIT, k->name, f->leg[option].n, legs);
	}
}

/* Reads one rule, up to its end or to a word that makes the rest of it meaningless. */
static void read_rule(struct reader *r, struct filter_set *set)
{
	struct span word = next_word(r), rule = word;
	uint32_t seen = 0, action = 0;
	struct filter *f;

	if (!word.len)
		return;
	while (action < ACTIONS && !span_is(word, actions[action]))
		action++;
	if (action == ACTIONS) {
		complain(r, word, "\"%s\" is not an action (mirror, skip or count)", quote(word).text);
		return;
	}
	f = filter_set_add(set, action);
	if (!f) {
		complain(r, word, "more than %d filters", MIRROR_MAX_FILTERS);
		r->at += strlen(r->at);
		return;
	}
	while ((word = next_word(r)).len) {
		const struct keyword *k = keyword_find(word);

		if (!k) {
			complain(r, word, "\"%s\" is not a keyword", quote(word).text);
			break;
		}
		read_keyword(r, f, &seen, word, k);
	}
	f->constrained = seen & ((1U << DIM_COUNT) - 1);
	prefix_list_reduce(&f->src);
	prefix_list_reduce(&f->dst);
	name_list_reduce(&f->domain);
	check_legs(r, f, rule);
}

int rules_parse(const char *source, const char *text, struct filter_set *set)
{
	struct reader r = { .source = source, .set = set, .line = 1, .line_start = text, .at = text };

	for (;;) {
		read_rule(&r, set);
		r.at += strcspn(r.at, "\n;#");
		if (*r.at == '#')
			r.at += strcspn(r.at, "\n");
		if (!*r.at)
			return reader_result(&r);
		if (*r.at++ == '\n') {
			r.line++;
			r.line_start = r.at;
		}
	}
}

/* fault gets the reason when no rule can say what the filter holds. */
static int print_rule(FILE *to, const struct filter *f, char *fault, size_t size)
{
	fputs(actions[f->action], to);
	for (const struct keyword *k = keywords; k < keywords + KEYWORDS; k++) {
		long before;
		int error;

		/* options that were left on a filter when somebody made it a skip have no effect */
		if (!keyword_given(f, k) || !keyword_allowed(f, k))
			continue;
		fprintf(to, " %s ", k->name);
		before = ftell(to);
		error = k->print(to, f, k);
		if (error == -EDOM)
			snprintf(fault, size, "not %s", k->what);
		else if (error)
			return error;
		if (ftell(to) == before)
			snprintf(fault, size, "accepts no packet");
	}
	return 0;
}

char *rule_text(const struct filter *f)
{
	char fault[64] = "", *text = NULL, *comment = NULL;
	size_t size;
	FILE *line = open_memstream(&text, &size);
	int error;

	if (!line)
		return NULL;
	error = print_rule(line, f, fault, sizeof(fault));
	if (fclose(line) || error) {
		free(text);
		return NULL;
	}
	if (!*fault)
		return text;
	if (asprintf(&comment, "# %s: %s", fault, text) < 0)
		comment = NULL;
	free(text);
	return comment;
}

int rules_print(FILE *to, const struct filter_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		char *text = rule_text(&set->at[i]);

		if (!text)
			return -ENOMEM;
		fprintf(to, "%s\n", text);
		free(text);
	}
	return ferror(to) ? -EIO : 0;
}
