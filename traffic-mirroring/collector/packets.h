/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets of a capture file or of a device, as libpcap reads them, each as an Ethernet frame: a packet from a
 * link of another type gets a header with addresses of zeros.
 */
#pragma once

#include "receive.h"

struct packets;

/* Each returns 0, or a negative errno after one log_error() line. path: "-" is stdin. */
int packets_open_file(const char *path, struct packets **packets);
int packets_open_device(const struct listen *listen, uint32_t buffer, struct packets **packets);
void packets_close(struct packets *packets); /* NULL is fine */

enum packets_result {
	PACKETS_ONE,
	PACKETS_NONE, /* now, or a signal came */
	PACKETS_END,
	PACKETS_FAILED, /* after log_error() */
};

#define PACKETS_GATHER_MS 10 /* for which a device may hold packets back */

/* The next one, as a datagram of FORMAT_DEV that is valid until the call after. */
enum packets_result packets_next(struct packets *packets, struct datagram *d);

/* Of a device: what to poll, and how many packets the kernel has dropped since the last call. */
int packets_fd(const struct packets *packets);
uint32_t packets_drops(struct packets *packets);
