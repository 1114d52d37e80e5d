/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Classes for names (../abi/flows.h): given to those that rules use, taken back from others. */
#pragma once

#include "rulesets.h"

/*
 * Gives classes to the names of filters, under the host's lock. Where they do not suffice, ends the sender
 * and takes back those that no configuration in use tells from what covers them: the caller must start one.
 * 0 or a negative errno, after log_error().
 */
int classes_put(struct shared *host, const struct filter_set *filters, const struct rulesets_used *used);
