/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "copy.h"

#include <net/ethernet.h>
#include <string.h>

#include "bytes.h"

#define MACS_SIZE (2 * ETHER_ADDR_LEN)

_Static_assert(COPY_ROOM == sizeof(struct ether_header), "room for what is put before an IP packet");

uint8_t *copy_frame(uint8_t *ip)
{
	uint8_t *frame = ip - COPY_ROOM;

	memset(frame, 0, COPY_ROOM);
	put16(frame + MACS_SIZE, ip[0] >> 4 == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	return frame;
}

void copy_make(uint8_t *datagram, const struct decap *d, struct copy *p)
{
	uint8_t *at = datagram + d->offset;
	uint32_t added = d->l3 ? COPY_ROOM : 0;

	if (d->l3)
		at = copy_frame(at);
	else if (d->untagged)
		memmove(at, at - DECAP_TAG_SIZE, MACS_SIZE);
	p->tunnel = *d;
	p->frame = (struct capture){ at, d->len + added, d->len + added };
	if (d->wire_len + added > p->frame.len)
		p->frame.wire_len = d->wire_len + added;
	headers_parse(&p->frame, false, &p->headers);
	if (p->headers.end > p->frame.wire_len)
		p->frame.wire_len = p->headers.end;
}
