/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Reads the packets of a capture in memory: pcap, and pcapng with enhanced and simple packet blocks, of
 * either byte order and any resolution of time. (libpcap cannot be linked statically.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAP_MAX_INTERFACES 256 /* of a section of pcapng */

struct pcap_reader {
	const uint8_t *at; /* the file */
	size_t size, next;
	bool swapped; /* its byte order is not the host's */
	bool blocks; /* pcapng */
	uint32_t interfaces; /* of this section; pcap: 1 */
	struct pcap_interface {
		uint16_t link; /* LINKTYPE_… */
		uint32_t snaplen; /* 0: no limit */
		uint64_t units; /* of time, per second */
	} interface[PCAP_MAX_INTERFACES];
};

struct pcap_packet {
	uint64_t time_ns; /* since 1970; 0 in simple packet blocks */
	const uint8_t *at;
	uint32_t len; /* bytes captured */
	uint32_t wire_len; /* >= len */
	uint16_t link;
};

/* False: neither pcap nor pcapng. */
bool pcap_open(struct pcap_reader *r, const uint8_t *at, size_t size);

enum pcap_result { PCAP_END, PCAP_PACKET, PCAP_DAMAGED };
enum pcap_result pcap_next(struct pcap_reader *r, struct pcap_packet *p);

/*
 * The packet as an Ethernet frame, of which at most room bytes (14 or more) are written. What was captured
 * without such a header (raw IP, and Linux "cooked" captures of all interfaces) gets one of zeros and the
 * EtherType, which p->len and p->wire_len then count. Returns the number of bytes; -1: of other link types.
 */
int pcap_frame(struct pcap_packet *p, uint8_t *to, uint32_t room);
