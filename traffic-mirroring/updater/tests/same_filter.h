/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "../filter.h"

/* Whether two filters are equal in every field; lists in the same order. */
bool same_filter(const struct filter *a, const struct filter *b);
