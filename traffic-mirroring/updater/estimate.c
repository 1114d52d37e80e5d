// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "estimate.h"

#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include "../wire/encap.h"

#define MOST_HEADERS (ETHER_HDR_LEN + 60 + 60) /* without IPv6 extension headers: IPv4 and TCP with options */

/* How much longer a copy is than the packet, Ethernet and IP headers included. */
static int64_t encapsulation(const struct delivery *d)
{
	static const uint8_t packet[MOST_HEADERS];
	const struct split_packet p = {
		.header = packet,
		.header_len = sizeof(packet),
		.l3 = ETHER_HDR_LEN,
		.family = 4,
		.ethernet = true,
	};
	const struct format *format = format_of(d->format ?: FORMAT_GUE);
	const struct encap e = { .format = format,
				 .id = d->id,
				 .l3 = format->l3,
				 .metadata = legs_value(&d->leg[LEG_METADATA], 0) };
	const struct encap_origin origin = {};
	uint8_t outer[ENCAP_MAX];
	uint32_t skip = 0;
	int64_t size;

	/* a kernel device adds what only it knows */
	if (*d->tunnel_interface || (!d->format && !d->collectors.n))
		return 0;
	size = encap_build(&e, &p, &origin, outer, &skip);
	if (format->carrier == CARRIER_DEVICE)
		return size - skip;
	size += ETHER_HDR_LEN;
	size += d->collectors.n && d->collectors.at[0].address.family == AF_INET6 ? sizeof(struct ip6_hdr) :
										    sizeof(struct iphdr);
	return size - skip + (format->carrier == CARRIER_UDP ? sizeof(struct udphdr) : 0);
}

/* The bytes of n packets that copies hold. */
static double copied(const struct mirror_filter *row, struct filter_counts n)
{
	uint64_t most = n.packets * ((row->trim & TRIM_HEADERS ? MOST_HEADERS : 0) + (uint64_t)row->snaplen);

	if (row->trim & TRIM_ZERO || (!row->snaplen && !(row->trim & TRIM_HEADERS)))
		return n.bytes;
	return most < n.bytes ? most : n.bytes;
}

/* How many copies are made of a packet. */
static uint32_t legs_of(const struct delivery *d)
{
	return d->collectors.n ? d->collectors.at[d->collectors.n - 1].leg + 1 : 1;
}

struct estimate estimate_copies(const struct mirror_filter *row, struct filter_counts n, double seconds,
				const struct delivery *d)
{
	double bytes = copied(row, n) + (double)n.packets * encapsulation(d);
	double per_second = seconds > 0 ? legs_of(d) / seconds : 0;

	return (struct estimate){ n.packets * per_second, bytes * 8 * per_second };
}
