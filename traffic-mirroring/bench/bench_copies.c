/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Sends copies as mirror-sender does, VXLAN in UDP, as fast as is asked:
 *
 *   bench_copies ADDRESS BYTES BATCH RATE SECONDS
 *
 * BYTES of each frame; BATCH datagrams leave in one piece (UDP_SEGMENT), 1: each by itself; RATE per second.
 * Each copy is a SYN of another flow. Prints how many were sent.
 */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VXLAN_SIZE 8
#define FRAME_MIN 54 /* Ethernet, IPv4, TCP */
#define ROOM 65000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint16_t sum(const uint8_t *at, size_t len, uint32_t start)
{
	for (size_t i = 0; i < len; i += 2)
		start += at[i] << 8 | (i + 1 < len ? at[i + 1] : 0);
	start = (start >> 16) + (start & 0xffff);
	return ~((start >> 16) + start);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* A SYN to port 80, padded to its size, from a source that the number stands for. */
static void make_copy(uint8_t *to, size_t bytes, uint32_t number)
{
	static const uint8_t head[] = { 8,    0, 0, 0, 0, 0, 7,	   0, /* VXLAN */
					2,    0, 0, 0, 0, 2, 2,	   0, 0,  0, 0, 1, 8, 0, /* Ethernet */
					0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6 };
	uint8_t *ip = to + VXLAN_SIZE + 14, *tcp = ip + 20;

	memset(to, 0, VXLAN_SIZE + bytes);
	memcpy(to, head, sizeof(head));
	put16(ip + 2, bytes - 14);
	ip[12] = 10;
	ip[13] = number >> 24;
	ip[14] = number >> 16;
	ip[15] = number >> 8;
	ip[16] = 192;
	ip[19] = 1;
	put16(ip + 10, sum(ip, 20, 0));
	put16(tcp, 1024 + (number & 0xff));
	put16(tcp + 2, 80);
	tcp[12] = 0x50;
	tcp[13] = 2;
	put16(tcp + 16, sum(tcp, bytes - 34, sum(ip + 12, 8, 6 + bytes - 34) ^ 0xffff));
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4789) };
	static uint8_t bytes[ROOM];
	unsigned long sent = 0;
	int s = socket(AF_INET, SOCK_DGRAM, 0), size, batch;
	double rate, begun, seconds;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 1;
	size = (int)strtol(argv[2], NULL, 10);
	batch = (int)strtol(argv[3], NULL, 10);
	rate = strtod(argv[4], NULL);
	seconds = strtod(argv[5], NULL);
	if (size < FRAME_MIN || batch < 1 || (size + VXLAN_SIZE) * batch > ROOM || rate <= 0)
		return 1;
	size += VXLAN_SIZE;
	if (connect(s, (struct sockaddr *)&to, sizeof(to)) ||
	    (batch > 1 && setsockopt(s, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))) {
		perror("bench_copies");
		return 1;
	}
	for (begun = now(); now() - begun < seconds;) {
		if (sent > (now() - begun) * rate)
			continue;
		for (int i = 0; i < batch; i++)
			make_copy(bytes + (size_t)i * size, size - VXLAN_SIZE, sent + i);
		if (send(s, bytes, (size_t)size * batch, 0) > 0)
			sent += batch;
	}
	printf("%lu\n", sent);
	close(s);
	return 0;
}
