/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "oversize.h"

enum oversize_verdict oversize_decide(enum mirror_oversize policy, const struct oversize_room *room,
				      uint32_t outer, uint32_t *len)
{
	uint32_t limit = policy == OVERSIZE_FRAGMENT ? room->most : room->path;

	if (outer + *len <= room->path)
		return COPY_FITS;
	if (outer + *len <= limit)
		return COPY_FRAGMENTED;
	if (policy == OVERSIZE_DROP || limit <= outer)
		return COPY_DROPPED;
	*len = limit - outer;
	return COPY_TRUNCATED;
}
