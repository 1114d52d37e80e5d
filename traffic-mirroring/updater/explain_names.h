/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Server names in a capture: which packets wait for the name of their flow, and what its class is then. As in
 * the sender, but without its limits.
 */
#pragma once

#include "explain_frame.h"

struct explain_names;

/*
 * class_of: the class of a name. decided: is called once for each packet that was given to
 * explain_names_hold(), in order for each flow, unless the capture ends before.
 */
struct explain_names_user {
	void *ctx;
	uint16_t (*class_of)(void *ctx, const char *name);
	void (*decided)(void *ctx, size_t packet, uint64_t flow, uint16_t class);
};

/* NULL: out of memory. */
struct explain_names *explain_names_new(const struct explain_names_user *user);
void explain_names_free(struct explain_names *n);

/* An undecided packet of this flow, by its number. 0 or -ENOMEM. */
int explain_names_hold(struct explain_names *n, size_t packet, const struct explain_frame *f, uint64_t hash);
