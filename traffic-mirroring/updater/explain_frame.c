// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "explain_frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <string.h>

#include "../wire/bytes.h"
#include "keywords.h"

#define TYPE (2 * ETH_ALEN) /* offset of the EtherType */

/* The kernel runs no program on less than this. */
static uint32_t least_size(const uint8_t *frame)
{
	switch (get16(frame + TYPE)) {
	case ETH_P_IP:
		return ETH_HLEN + sizeof(struct iphdr);
	case ETH_P_IPV6:
		return ETH_HLEN + sizeof(struct ip6_hdr);
	}
	return ETH_HLEN;
}

/* An IP packet that ends later than what is left of it. */
static void shorten_ip(struct explain_frame *f)
{
	const struct headers *h = &f->headers;
	uint8_t *ip = f->at + h->l3;

	if (h->end <= f->len || h->end > f->wire_len)
		return;
	if (h->family == 4)
		put16(ip + offsetof(struct iphdr, tot_len), f->len - h->l3);
	else
		put16(ip + offsetof(struct ip6_hdr, ip6_plen), f->len - h->l3 - sizeof(struct ip6_hdr));
}

bool explain_frame(const struct pcap_packet *packet, struct explain_frame *f)
{
	struct pcap_packet p = *packet;
	int captured = pcap_frame(&p, f->at, sizeof(f->at));

	if (captured < 0)
		return false;
	memset(f->at + captured, 0, sizeof(f->at) - captured);
	f->captured = p.len;
	f->wire_len = p.wire_len;
	f->whole = (struct capture){ .at = f->at, .len = captured, .wire_len = p.wire_len };
	if (p.at == packet->at && p.len == packet->len) /* it had an Ethernet header */
		f->whole = (struct capture){ .at = p.at, .len = p.len, .wire_len = p.wire_len };
	headers_parse(&f->whole, false, &f->headers);
	f->len = p.wire_len < sizeof(f->at) ? p.wire_len : sizeof(f->at);
	if (f->headers.family)
		shorten_ip(f);
	if (f->len < least_size(f->at)) {
		f->len = least_size(f->at);
		f->at[ETH_HLEN] = 0; /* and no IP version, as little as the packet has a whole IP header */
	}
	return true;
}

static void print_end(FILE *to, const struct explain_frame *f, uint32_t address, uint32_t port)
{
	const struct headers *h = &f->headers;
	bool ports = h->l4 && has_ports(h->proto) && h->fragment != FRAGMENT_LATER;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(h->family == 4 ? AF_INET : AF_INET6, f->at + address, text, sizeof(text));
	if (ports && h->l4 + 4 <= f->len)
		fprintf(to, h->family == 4 ? "%s:%u" : "[%s]:%u", text, get16(f->at + h->l4 + port));
	else
		fputs(text, to);
}

static void print_flow(FILE *to, const struct explain_frame *f)
{
	const struct keyword *protocols = keyword_find((struct span){ "proto", strlen("proto") });
	const struct headers *h = &f->headers;
	const char *protocol = protocols->names[h->proto];
	uint32_t address =
		h->l3 + (h->family == 4 ? offsetof(struct iphdr, saddr) : offsetof(struct ip6_hdr, ip6_src));

	if (!h->family) {
		fprintf(to, "not IP, EtherType 0x%04x", get16(f->at + TYPE));
		return;
	}
	if (protocol)
		fprintf(to, "%s ", protocol);
	else
		fprintf(to, "protocol %u ", h->proto);
	print_end(to, f, address, 0);
	fputs(" > ", to);
	print_end(to, f, address + (h->family == 4 ? 4 : 16), 2);
	if (h->fragment == FRAGMENT_LATER)
		fputs(", later fragment", to);
}

void explain_flow(const struct explain_frame *f, char text[EXPLAIN_FLOW_LEN])
{
	FILE *to = fmemopen(text, EXPLAIN_FLOW_LEN, "w");

	*text = '\0';
	if (!to)
		return;
	print_flow(to, f);
	fclose(to);
}
