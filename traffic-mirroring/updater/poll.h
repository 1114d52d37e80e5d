/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What l3afd asks every few seconds: does it run? Any answer but the one word makes l3afd run start again,
 * and load the program again if it takes that for gone, too.
 */
#pragma once

#include "instance.h"
#include "request.h"

/* Which instances --iface, --direction and --version ask about, and the error where there is none. */
struct instance_query poll_query(const struct request *request);
void poll_report_none(const struct request *request);

/*
 * Prints RUNNING, and not a byte more, where copies can leave; waits for that if a deployment may be under
 * way. Starts a sender that was killed. Else a negative errno, after log_error().
 */
int poll_answer(const struct request *request);
