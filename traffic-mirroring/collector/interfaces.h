/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The interfaces of a pcapng file: one per tunnel source, format and VNI, numbered as they appear. */
#pragma once

#include "../../common/address.h"
#include "../wire/decap.h"

/* Sources can be forged, so their number is bounded; all later ones share one more interface. */
#define INTERFACES_MAX 1023
#define INTERFACES_NAME_MAX 128

struct interface_key {
	struct address source;
	uint8_t format; /* enum mirror_format */
	uint32_t vni;
};

/* All zeros: empty. */
struct interfaces {
	struct {
		struct interface_key key;
		uint32_t number; /* counted from 1; 0: free */
	} slot[2 * (INTERFACES_MAX + 1)];
	uint32_t count;
};

/* The number, counted from 0. *added: it is new. */
uint32_t interfaces_number(struct interfaces *interfaces, const struct interface_key *key, bool *added);

/* "vxlan 192.0.2.1 vni 7", or "other" for the shared one. */
void interfaces_name(const struct interface_key *key, uint32_t number, char name[INTERFACES_NAME_MAX]);
