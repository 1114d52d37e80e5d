/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the tools of the benchmark share: one UDP packet of any size, clocks, and a way to end. */
#pragma once

#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../select/tests/packets.h"

#define FRAME_HEADERS 42 /* Ethernet, IPv4, UDP */

static inline _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

/* Without a UDP checksum, so that ports may be changed. */
static inline void frame_build(struct packet *p, const char *dst, size_t size)
{
	struct packet_spec spec = {
		.family = 4, .proto = IPPROTO_UDP, .src = "192.0.2.1", .src_port = 32768, .dst_port = 9
	};

	if (size < FRAME_HEADERS || size > PACKET_MAX) {
		fprintf(stderr, "a packet of %zu bytes: %d to %d can be sent\n", size, FRAME_HEADERS,
			PACKET_MAX);
		exit(1);
	}
	snprintf(spec.dst, sizeof(spec.dst), "%s", dst);
	spec.payload = size - FRAME_HEADERS;
	packet_build(&spec, p);
	memset(p->data + p->l4 + offsetof(struct udphdr, check), 0, sizeof(uint16_t));
}
