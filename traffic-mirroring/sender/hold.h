/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Records of flows whose name is not known yet (RECORD_UNDECIDED): they wait here, in order, until the name
 * of their flow has been read. Then its class goes into the flow table, for the data path, and the records
 * are delivered or dropped, as their filters say.
 *
 * All that waits is limited by the host's settings (--hold-memory and others). A flow that exceeds them is
 * given up: its class is that of a flow first seen in its middle. If the memory is full, the oldest flows go
 * first, and before all others those of which only the client's SYN was seen, so that a SYN flood drives out
 * itself.
 */
#pragma once

#include "deliver.h"

struct hold;

/* NULL: out of memory. */
struct hold *hold_new(const struct shared *shared, struct deliverer *delivery);
void hold_free(struct hold *h);

/* Takes an undecided record. What it releases is in the batch. */
void hold_record(struct hold *h, const struct mirror_record *r, uint32_t captured);

/* The batch was sent: frees what was in it. */
void hold_sent(struct hold *h);

/* Gives up flows that have waited for too long, and sends the batch. now: CLOCK_MONOTONIC. */
void hold_expire(struct hold *h, uint64_t now);

/* Drops what waits of flows that belong to another thread now. These flows stay undecided. */
void hold_keep_own(struct hold *h);

/* Drops all that waits. The flows stay undecided, for the next sender. */
void hold_end(struct hold *h);

/* Bytes that are held, of records and name readers. */
size_t hold_bytes(const struct hold *h);
