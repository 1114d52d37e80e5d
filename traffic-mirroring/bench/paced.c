// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What a program costs per packet at a packet rate: runs it with BPF_PROG_TEST_RUN in bursts, one each
 * millisecond, and prints the nanoseconds of CPU time per packet. A process that drains what the program
 * fills has time in between.
 *
 *   paced PROGRAM[:RING] PACKETS RATE RUN SIZE…
 *
 * PROGRAM is a pin, and RING that of a ring buffer that is emptied after each burst. RUN packets of one size
 * and flow follow each other, then as many of the next SIZE and another flow.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame.h"

#define FIRST_PORT 32768
#define TICK_NS 1000000
#define FLOWS 10000

static void run(int prog_fd, struct packet *p, unsigned int flow, unsigned int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len, .repeat = repeat);
	uint16_t port = htons(FIRST_PORT + flow % FLOWS);

	memcpy(p->data + p->l4, &port, sizeof(port));
	if (bpf_prog_test_run_opts(prog_fd, &opts))
		die("BPF_PROG_TEST_RUN");
}

/* The positions of a ring buffer's consumer and producer, each at the start of a page. */
struct ring {
	uint64_t *consumer;
	const uint64_t *producer;
};

static void ring_open(struct ring *ring, int fd)
{
	long page = sysconf(_SC_PAGESIZE);

	ring->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ring->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	if (ring->consumer == MAP_FAILED || ring->producer == MAP_FAILED)
		die("ring");
}

static void wait_until(uint64_t when)
{
	struct timespec t = { .tv_sec = when / 1000000000, .tv_nsec = when % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
	uint64_t packets, rate, length, done = 0, busy = 0, next, start;
	struct ring ring = { 0 };
	int sizes = argc - 5, prog_fd;
	char *pin;
	struct packet *sample;

	if (sizes < 1) {
		fprintf(stderr, "usage: paced PROGRAM[:RING] PACKETS RATE RUN SIZE...\n");
		return 1;
	}
	packets = strtoull(argv[2], NULL, 10);
	rate = strtoull(argv[3], NULL, 10);
	length = strtoull(argv[4], NULL, 10);
	pin = strchr(argv[1], ':');
	if (pin) {
		*pin++ = '\0';
		ring_open(&ring, bpf_obj_get(pin));
	}
	prog_fd = bpf_obj_get(argv[1]);
	if (prog_fd < 0)
		die(argv[1]);
	sample = calloc(sizes, sizeof(*sample));
	if (!packets || !rate || !length || !sample)
		die("arguments");
	for (int i = 0; i < sizes; i++)
		frame_build(&sample[i], "198.51.100.1", strtoul(argv[5 + i], NULL, 10));

	next = nanoseconds(CLOCK_MONOTONIC);
	for (unsigned int flow = 0; done < packets; next += TICK_NS) {
		uint64_t burst = done + rate * TICK_NS / 1000000000;

		wait_until(next);
		start = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
		for (; done < burst && done < packets; done += length, flow++)
			run(prog_fd, &sample[flow % sizes], flow, length);
		busy += nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start;
		if (pin)
			*ring.consumer = *ring.producer;
	}
	printf("%.2f\n", (double)busy / done);
	free(sample);
	return 0;
}
