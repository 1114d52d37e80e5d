/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PCAP-over-IP: to each client of a TCP port, the copies from its connection on, as a pcap file without an
 * end. That is what Wireshark reads from -i TCP@HOST:PORT (dumpcap(1): "read pcapng or pcap data"), Arkime
 * with pcapReadMethod=pcap-over-ip-client, and tcpdump -r - behind nc. Arkime knows only the magic number of
 * microseconds (capture/reader-pcapoverip.c), so these are the times.
 *
 * A thread of its own sends from one buffer. A client that reads too slowly loses the copies that have left
 * the buffer when its turn comes, always whole ones; they are counted.
 */
#pragma once

#include "../wire/copy.h"

#define PCAP_SERVER_CLIENTS 16
#define PCAP_SERVER_BUFFER (8U << 20)

struct pcap_server;

/* Takes over a listening socket that does not block. 0 or -errno. */
int pcap_server_open(int listener, uint32_t snaplen, struct pcap_server **server);

/* Starts the thread. 0 or -errno. */
int pcap_server_start(struct pcap_server *server);

/* Thread-safe. */
void pcap_server_packet(struct pcap_server *server, const struct copy *p);

/* Sends what is waiting. Thread-safe. */
void pcap_server_flush(struct pcap_server *server);

/* Sends what is left until this time of CLOCK_MONOTONIC, and frees. NULL is fine. */
void pcap_server_close(struct pcap_server *server, uint64_t end_ns);
