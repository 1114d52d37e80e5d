/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The counters of filters, which belong to rules: a rule that stays over a commit, by its name or else by its
 * text, keeps its counts, wherever it stands. Functions return 0 or a negative errno, silently.
 */
#pragma once

#include "tables.h"

/* Gives the filters of c that are among `before`, whose rows are given, the counters that these have. */
int counters_keep(const struct filter_set *before, const struct mirror_filter *rows, struct configuration *c);

/*
 * Gives each of the n rows that has no counter one that starts at 0. No packet may still be looking at the
 * standby bank: its counters are free.
 */
int counters_give(struct tables *t, struct mirror_filter *rows, size_t n);
