/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The keywords of a rule and the values behind them: read from text, and written back. */
#pragma once

#include <stdio.h>

#include "../../common/log.h"
#include "filter.h"

/* A piece of the text being read. */
struct span {
	const char *at;
	size_t len;
};

struct reader {
	const char *source; /* what errors call the text */
	const struct filter_set *set; /* what is read so far; NULL: not rules */
	unsigned int line; /* 0: the text is the value of an option, where errors name no position */
	const char *line_start;
	const char *at; /* the next byte */
	unsigned int errors; /* found so far; the first few are printed */
	bool no_memory;
};

/* An error at this place. */
void complain(struct reader *r, struct span where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What has become of the text: 0, -EINVAL or -ENOMEM; says what complain() left unsaid. */
int reader_result(const struct reader *r);

/* As log_quote(). */
struct quoted quote(struct span s);

bool span_is(struct span s, const char *text);

/* Without the blanks around it. */
struct span span_trim(struct span s);

/*
 * Takes the next element off a comma-separated list; complains of empty ones. False at the end of the list,
 * where rest->at is NULL.
 */
bool next_element(struct reader *r, struct span *rest, struct span *element);

/* A keyword stands for a dimension (enum mirror_dimension) or one of these. */
enum {
	OPTION_NAME = DIM_COUNT,
	OPTION_SNAPLEN,
	OPTION_OVERSIZE,
	OPTION_METADATA,
	OPTION_SEGMENT,
	OPTION_SAMPLE,
	OPTION_FIRST,
	OPTION_MAX_RATE,
	OPTION_TO,
	KEYWORDS
};

struct keyword {
	const char *name;
	unsigned int id;
	const char *what; /* the value, or an element of it, is */
	/* Adds the value's elements to f. */
	void (*read)(struct reader *r, struct filter *f, const struct keyword *k, struct span value);
	/*
	 * 0, -ENOMEM, or -EDOM when no rule can say what f holds; what was written then is only
	 * human-readable.
	 */
	int (*print)(FILE *to, const struct filter *f, const struct keyword *k);
	const char *const *names; /* of a dimension's values, NULL where one has none */
};

/* In the order in which rules are printed. */
extern const struct keyword keywords[];

/* NULL: there is none. */
const struct keyword *keyword_find(struct span name);

/* Whether the filter says something by this keyword. */
bool keyword_given(const struct filter *f, const struct keyword *k);

/* Whether the filter's action can have this keyword. */
bool keyword_allowed(const struct filter *f, const struct keyword *k);

/* The option of each leg (legs.h) that a keyword stands for; LEG_OPTIONS: none. */
enum leg_option keyword_leg_option(const struct keyword *k);
