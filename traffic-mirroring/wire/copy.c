/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "copy.h"

#include <net/ethernet.h>
#include <string.h>

#include "bytes.h"

_Static_assert(COPY_ROOM == sizeof(struct ether_header), "room for what is put before an IP packet");

void copy_make(uint8_t *datagram, const struct decap *d, struct copy *p)
{
	uint8_t *at = datagram + d->offset;
	uint32_t added = d->l3 ? COPY_ROOM : 0;

	if (added) {
		uint16_t type = at[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;

		at -= added;
		memset(at, 0, added);
		put16(at + 2 * ETHER_ADDR_LEN, type);
	}
	p->tunnel = *d;
	p->frame = (struct capture){ at, d->len + added, d->len + added };
	if (d->wire_len + added > p->frame.len)
		p->frame.wire_len = d->wire_len + added;
	headers_parse(&p->frame, false, &p->headers);
	if (p->headers.end > p->frame.wire_len)
		p->frame.wire_len = p->headers.end;
}
