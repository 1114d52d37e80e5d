/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet of a capture, as the data path is given it and as an operator reads it. */
#pragma once

#include <stdbool.h>

#include "../wire/headers.h"
#include "../wire/pcap.h"
#include "trial.h"

struct explain_frame {
	uint8_t at[TRIAL_MAX];
	uint32_t len; /* of what the program gets */
	uint32_t wire_len; /* of the packet, with an Ethernet header */
	uint32_t captured;
	struct headers headers;
	struct capture whole; /* what was captured of it, not shortened */
};

/*
 * Bytes that the capture lacks are zeros, so that the packet has its length. One longer than TRIAL_MAX is
 * shortened, and its IP header says so. f->whole may point to the packet's bytes. False: the capture's link
 * type is not supported.
 */
bool explain_frame(const struct pcap_packet *packet, struct explain_frame *f);

/* The ends and the protocol: "tcp 192.0.2.1:40000 > 198.51.100.9:443". */
#define EXPLAIN_FLOW_LEN 128
void explain_flow(const struct explain_frame *f, char text[EXPLAIN_FLOW_LEN]);
