// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "whole.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/utsname.h>

#define TCP_CWR 0x80

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers before Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

bool whole_takes_udp(void)
{
	struct utsname kernel;
	unsigned long major;
	char *minor;

	if (uname(&kernel))
		return false;
	major = strtoul(kernel.release, &minor, 10);
	return major > 6 || (major == 6 && *minor == '.' && strtoul(minor + 1, NULL, 10) >= 2);
}

static uint8_t gso_type(const struct split *s)
{
	const struct headers *h = &s->level[0];
	uint8_t type = h->family == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;

	if (h->proto == IPPROTO_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return s->in.packet.at[h->l4 + 13] & TCP_CWR ? type | VIRTIO_NET_HDR_GSO_ECN : type;
}

struct virtio_net_hdr whole_describe(const struct split *s, uint32_t l4)
{
	const struct headers *h = &s->level[0];

	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso_type(s),
		.hdr_len = l4 + h->data - h->l4,
		.gso_size = s->size,
		.csum_start = l4,
		.csum_offset = checksum_field(h->proto),
	};
}
