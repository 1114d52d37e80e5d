/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A group of cmocka tests in one fixture. */
#pragma once

#include "harness.h"
#include "packets.h"

extern struct fixture fixture;

int group_enter(void **state);
int group_leave(void **state);

/* In both directions. */
void group_commit(const char *rules);

/* Runs a packet, and checks what must hold for every one. */
struct datapath_result group_packet(enum direction d, const struct ref_packet *packet);
struct datapath_result group_spec(enum direction d, const struct packet_spec *spec);
/* With this VLAN tag beside the data. */
struct datapath_result group_tagged(enum direction d, const struct packet_spec *spec, uint16_t tci);
