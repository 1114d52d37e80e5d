/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A data path for trying filters on packets: our program, attached to nothing. */
#pragma once

#include <bpf/libbpf.h>

#include "tables.h"

struct trial;

/* What the program does with a packet. */
struct trial_result {
	enum mirror_outcome outcome; /* OUT_RING: copied, wherever the filter sends its copies */
	int filter; /* the one that decides; -1: none */
	/* of OUT_UNDECIDED: its flow, and the filters one of which decides, by the flow's name */
	uint64_t flow, candidates;
};

/*
 * object: that of the direction, loaded with maps of its own (load_private()). All filters of c copy to a
 * ring that the trial reads: their destinations do not matter and may be missing.
 */
struct trial *trial_open(enum direction direction, struct bpf_object *object, struct configuration *c,
			 int *error);
void trial_close(struct trial *t);

/*
 * Runs the program on an Ethernet frame of at most TRIAL_MAX bytes: the kernel takes one page, less what an
 * skb adds. It refuses those that end before their IP header. 0 or a negative errno, after log_error().
 */
#define TRIAL_MAX 3500
int trial_run(struct trial *t, const uint8_t *frame, uint32_t len, struct trial_result *result);

/* The class (../abi/flows.h) of flows with this server name. */
uint16_t trial_class(const struct trial *t, const char *name);

/* What the sender does when it knows the class of a flow: from now on, the program decides about it. */
void trial_set_class(struct trial *t, uint64_t flow, uint16_t class);

/* What the sender does with an undecided packet then, for those of which the program never decides. */
void trial_decide(const struct trial *t, uint16_t class, struct trial_result *result);
