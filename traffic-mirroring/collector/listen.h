/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where copies are received, as text: FORMAT[:WHERE][:PORT]. */
#pragma once

#include <net/if.h>

#include "../../common/address.h"
#include "../wire/decap.h"

#define LISTEN_MAX 16

struct listen {
	const char *text;
	const struct format *format;
	uint16_t port; /* of UDP, else 0 */
	struct address address; /* family 0: any */
	char device[IFNAMSIZ]; /* "": any */
};

/*
 * WHERE is an IPv4 address, an IPv6 address in brackets, in which %DEVICE may follow it, or a device; formats
 * that are received from devices need one. text must outlive *listen. 0, or -EINVAL silently.
 */
int listen_parse(const char *text, struct listen *listen);
