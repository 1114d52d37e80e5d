// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A wire that is full: an XDP program runs on made-up frames and sends them out of a device, as fast as one
 * CPU goes (BPF_F_TEST_XDP_LIVE_FRAMES). Into a veth, the other end's way in runs on the same CPU, as a
 * softirq of this process. Prints the seconds of CPU time.
 *
 *   flood PROGRAM DEVICE MAC ADDRESS SIZE PACKETS      MAC and ADDRESS of the other end; PROGRAM is a pin
 */
#include <bpf/bpf.h>
#include <net/if.h>
#include <netinet/ether.h>

#include "frame.h"

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	struct xdp_md in = { 0 };
	struct ether_addr *mac;
	struct packet p;
	uint64_t start;
	int prog_fd;

	if (argc != 7 || !(mac = ether_aton(argv[3]))) {
		fprintf(stderr, "usage: flood PROGRAM DEVICE MAC ADDRESS SIZE PACKETS\n");
		return 1;
	}
	prog_fd = bpf_obj_get(argv[1]);
	if (prog_fd < 0)
		die(argv[1]);
	frame_build(&p, argv[4], strtoul(argv[5], NULL, 10));
	memcpy(p.data, mac, sizeof(*mac));
	in.ingress_ifindex = if_nametoindex(argv[2]);
	in.data_end = p.len;
	opts.data_in = p.data;
	opts.data_size_in = p.len;
	opts.ctx_in = &in;
	opts.ctx_size_in = sizeof(in);
	opts.repeat = strtoul(argv[6], NULL, 10);
	start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
	if (bpf_prog_test_run_opts(prog_fd, &opts))
		die("BPF_PROG_TEST_RUN");
	printf("%.6f\n", (nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start) / 1e9);
	return 0;
}
