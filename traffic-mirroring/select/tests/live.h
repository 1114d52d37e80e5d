/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Real packets over a veth pair: out through the egress datapath, in through the ingress datapath. They are
 * sent so that next to nothing of them is in the linear area of the skb.
 */
#pragma once

#include "harness.h"

struct live {
	struct fixture *fixture;
	int socket;
	uint8_t *ring;
};

/* Makes the pair and puts the fixture's labs on it. Prints what failed. 0 or a negative errno. */
int live_open(struct live *live, struct fixture *fixture);
void live_close(struct live *live);

/*
 * Sends one packet through a direction's datapath; the other one is switched off. Of the result, verdict and
 * unchanged are not known; after.times is 0 when the packet did not come to the datapath in time.
 */
int live_run(struct live *live, enum direction direction, const uint8_t *data, size_t len,
	     struct datapath_result *result);
