/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of a copy that does not fit the path to its collector. */
#ifndef MIRRORING_OVERSIZE_H
#define MIRRORING_OVERSIZE_H

#include <stdint.h>

#include "../abi/host.h"

/* Index of the caller's counters: each copy is one of these. */
enum oversize_verdict {
	COPY_FITS,
	COPY_TRUNCATED,
	COPY_DROPPED,
	COPY_FRAGMENTED,
	COPY_VERDICTS,
};

/* Bytes that a datagram or packet may carry behind its outer IP (and UDP) header. */
struct oversize_room {
	uint32_t path; /* without fragmentation: the path's MTU less these headers */
	uint32_t most; /* with it: 65,535 less these headers in IPv4; equal to path where nothing fragments (devices) */
};

/*
 * outer: bytes encap_build() put before the copy. *len: bytes of the copy behind them; shortened by COPY_TRUNCATED, which
 * is also what happens to a copy that is too large for fragments. Where not one byte of the copy would fit it
 * is COPY_DROPPED.
 */
enum oversize_verdict oversize_decide(enum mirror_oversize policy, const struct oversize_room *room,
				      uint32_t outer, uint32_t *len);

#endif
