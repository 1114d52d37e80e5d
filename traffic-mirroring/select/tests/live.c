// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "live.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define SENDER "v0"
#define RECEIVER "v1"
#define FRAME 4096
#define RECEIPT_US 200000

static int attach(const struct datapath *datapath, const char *device, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(device), .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = datapath->first_fd);

	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		return fixture_failed(device);
	return 0;
}

/*
 * A ring that the kernel sends from: it copies the Ethernet header into the skb and hangs the rest on it as
 * page fragments.
 */
static int open_ring(struct live *live)
{
	struct tpacket_req request = {
		.tp_block_size = FRAME, .tp_block_nr = 1, .tp_frame_size = FRAME, .tp_frame_nr = 1
	};
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(SENDER) };
	int version = TPACKET_V2;

	live->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (live->socket < 0 ||
	    setsockopt(live->socket, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(live->socket, SOL_PACKET, PACKET_TX_RING, &request, sizeof(request)) ||
	    bind(live->socket, (struct sockaddr *)&address, sizeof(address)))
		return fixture_failed("packet socket");
	live->ring = mmap(NULL, FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, live->socket, 0);
	if (live->ring == MAP_FAILED) {
		live->ring = NULL;
		return fixture_failed("packet ring");
	}
	return 0;
}

int live_open(struct live *live, struct fixture *fixture)
{
	*live = (struct live){ .fixture = fixture, .socket = -1 };
	if (system("ip link add " SENDER " type veth peer name " RECEIVER " && ip link set " SENDER
		   " up && ip link set " RECEIVER " up"))
		return fixture_failed("veth");
	return attach(&live->fixture->datapath[EGRESS], SENDER, BPF_TC_EGRESS)		   ?:
		       attach(&live->fixture->datapath[INGRESS], RECEIVER, BPF_TC_INGRESS) ?:
											     open_ring(live);
}

void live_close(struct live *live)
{
	if (live->ring)
		munmap(live->ring, FRAME);
	if (live->socket >= 0)
		close(live->socket);
}

static int send_frame(struct live *live, const uint8_t *data, size_t len)
{
	struct tpacket2_hdr *frame = (void *)live->ring;

	memcpy(live->ring + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), data, len);
	frame->tp_len = len;
	__atomic_store_n(&frame->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	if (send(live->socket, NULL, 0, 0) != (ssize_t)len)
		return fixture_failed("sending");
	return 0;
}

static int wait_for(const struct datapath *datapath)
{
	struct probe_packet after = { .times = 0 };
	__u32 zero = 0;

	for (int waited = 0; !after.times && waited < RECEIPT_US; waited += 100) {
		if (waited)
			usleep(100);
		if (bpf_map_lookup_elem(datapath->after_fd, &zero, &after))
			return fixture_failed("records of the probe");
	}
	return 0;
}

int live_run(struct live *live, enum direction direction, const uint8_t *data, size_t len,
	     struct datapath_result *result)
{
	struct datapath *datapath = &live->fixture->datapath[direction];

	return datapath_switch(datapath, true)					    ?:
		       datapath_switch(&live->fixture->datapath[!direction], false) ?:
		       datapath_clear(datapath)					    ?:
		       send_frame(live, data, len)				    ?:
		       wait_for(datapath)					    ?:
		       datapath_read(datapath, result);
}
