// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends TCP super-packets of 64 KiB out of a device, as TCP hands them to one that segments: not segmented,
 * without a checksum. They are for nobody: what receives them drops them.
 *
 *   supers DEVICE PACKETS
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frame.h"

#define SEGMENT 1448 /* bytes of payload */
#define SEGMENTS 45

/* Of the pseudo-header, to which the device adds the rest. */
static uint16_t sum_for_device(const struct iphdr *ip, uint32_t length)
{
	uint32_t sum = htons(IPPROTO_TCP) + htons(length);

	sum += (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) + (ip->daddr >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

static void super_headers(struct packet *p)
{
	struct packet_spec spec = { .family = 4,
				    .proto = IPPROTO_TCP,
				    .src = "192.0.2.1",
				    .dst = "203.0.113.1",
				    .id = 1, /* 0 could come from GRO of a host that numbers none */
				    .src_port = 40000,
				    .dst_port = 443,
				    .tcp_flags = TH_ACK };
	struct iphdr ip;
	struct tcphdr tcp;

	packet_build(&spec, p);
	memcpy(&ip, p->data + p->l3, sizeof(ip));
	memcpy(&tcp, p->data + p->l4, sizeof(tcp));
	ip.tot_len = htons(p->len - p->l3 + SEGMENT * SEGMENTS);
	tcp.check = sum_for_device(&ip, p->len - p->l4 + SEGMENT * SEGMENTS);
	memcpy(p->data + p->l3, &ip, sizeof(ip));
	memcpy(p->data + p->l4, &tcp, sizeof(tcp));
}

int main(int argc, char **argv)
{
	static uint8_t payload[SEGMENT * SEGMENTS];
	struct virtio_net_hdr offload = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					  .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					  .gso_size = SEGMENT };
	struct sockaddr_ll device = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct packet p;
	int s = socket(AF_PACKET, SOCK_RAW, 0);

	if (argc != 3) {
		fprintf(stderr, "usage: supers DEVICE PACKETS\n");
		return 1;
	}
	device.sll_ifindex = if_nametoindex(argv[1]);
	if (setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &(int){ 1 }, sizeof(int)) ||
	    bind(s, (struct sockaddr *)&device, sizeof(device)))
		die(argv[1]);
	super_headers(&p);
	offload.hdr_len = p.len;
	offload.csum_start = p.l4;
	offload.csum_offset = offsetof(struct tcphdr, check);
	for (unsigned long n = strtoul(argv[2], NULL, 10); n; n--) {
		struct iovec parts[] = { { &offload, sizeof(offload) },
					 { p.data, p.len },
					 { payload, sizeof(payload) } };

		if (writev(s, parts, 3) < 0)
			die("writev");
	}
	close(s);
	return 0;
}
