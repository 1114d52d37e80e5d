/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A copy as the outputs get it: a frame with parsed headers. */
#pragma once

#include "../../common/address.h"
#include "headers.h"
#include "decap.h"

#define COPY_ROOM 14 /* bytes before a datagram that copy_make() may write to */

struct copy {
	struct capture frame;
	struct headers headers;
	struct decap tunnel;
	struct address source; /* of the outer packet */
	uint64_t time_ns; /* since 1970-01-01 00:00 UTC */
};

/* Puts an Ethernet header with addresses of zeros before an IP packet. Returns where the frame begins. */
uint8_t *copy_frame(uint8_t *ip);

/*
 * Turns the packet that d describes in a datagram into a frame, in place: an IP packet gets an Ethernet
 * header with addresses of zeros. The original length comes from the tunnel, else from the IP header.
 */
void copy_make(uint8_t *datagram, const struct decap *d, struct copy *p);
