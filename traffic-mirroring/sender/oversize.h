/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Decides about copies that do not fit the path to their collector. */
#pragma once

#include <stdint.h>

#include "../abi/host.h"

/* Exactly one per copy; indexes the caller's counters. */
enum oversize_verdict {
	COPY_FITS,
	COPY_TRUNCATED,
	COPY_DROPPED,
	COPY_FRAGMENTED,
	COPY_VERDICTS,
};

/* Bytes that a datagram or packet may carry after its outer IP (and UDP) header. */
struct oversize_room {
	uint32_t path; /* without fragmentation: the path MTU minus these headers */
	uint32_t most; /* with it: 65,535 minus these headers in IPv4; for devices equal to path */
};

/*
 * outer: bytes that encap_build() put before the copy. *len: bytes of the copy after them; shortened if
 * COPY_TRUNCATED, which is also the result for a copy that is too large to fragment. If not one byte of the
 * copy fits, it is COPY_DROPPED.
 */
enum oversize_verdict oversize_decide(enum mirror_oversize policy, const struct oversize_room *room,
				      uint32_t outer, uint32_t *len);
