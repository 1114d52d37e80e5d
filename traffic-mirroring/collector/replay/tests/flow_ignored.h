/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* For tests that look at requests only: what the sink of flows does when one begins or ends. */
#ifndef FLOW_IGNORED_H
#define FLOW_IGNORED_H

#include "../flows.h"

static void flow_ignored(void *context, struct flow *flow)
{
	(void)context;
	(void)flow;
}

#endif
