/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "interfaces.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "../abi/flow_hash.h"

#define SLOTS (2 * (INTERFACES_MAX + 1))

static bool same(const struct interface_key *a, const struct interface_key *b)
{
	return a->vni == b->vni && a->format == b->format && a->source.family == b->source.family &&
	       !memcmp(a->source.bytes, b->source.bytes, sizeof(a->source.bytes));
}

uint32_t interfaces_number(struct interfaces *interfaces, const struct interface_key *key, bool *added)
{
	uint32_t address[4], slot;

	memcpy(address, key->source.bytes, sizeof(address));
	slot = hash_share(hash_mix(hash_end(address, key->format) + key->vni), SLOTS);
	for (; interfaces->slot[slot].number; slot = (slot + 1) % SLOTS)
		if (same(&interfaces->slot[slot].key, key)) {
			*added = false;
			return interfaces->slot[slot].number - 1;
		}

	if (interfaces->count >= INTERFACES_MAX) {
		*added = interfaces->count == INTERFACES_MAX;
		interfaces->count = INTERFACES_MAX + 1;
		return INTERFACES_MAX;
	}
	*added = true;
	interfaces->slot[slot].key = *key;
	interfaces->slot[slot].number = ++interfaces->count;
	return interfaces->count - 1;
}

void interfaces_name(const struct interface_key *key, uint32_t number, char name[INTERFACES_NAME_MAX])
{
	char address[INET6_ADDRSTRLEN] = ""; /* devices have none */
	int len;

	if (number == INTERFACES_MAX) {
		snprintf(name, INTERFACES_NAME_MAX, "other");
		return;
	}
	inet_ntop(key->source.family, key->source.bytes, address, sizeof(address));
	len = snprintf(name, INTERFACES_NAME_MAX, "%s%s%s", format_of(key->format)->name, *address ? " " : "",
		       address);
	if (key->vni != DECAP_NO_VNI)
		snprintf(name + len, INTERFACES_NAME_MAX - len, " vni %u", key->vni);
}
