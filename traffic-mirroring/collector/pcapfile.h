/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The bytes of capture files: pcap and pcapng, Ethernet, nanoseconds (pcap_us: microseconds), this machine's
 * byte order. Each function writes to a buffer of at least PCAPFILE_MAX bytes and returns the number of bytes
 * written; a packet's bytes go between its begin and its end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PCAPFILE_MAX 512
#define PCAPFILE_SNAPLEN_MAX 262144 /* the limit of common readers */

enum pcapfile_direction { PCAPFILE_UNKNOWN, PCAPFILE_INBOUND, PCAPFILE_OUTBOUND };

struct pcapfile_packet {
	uint64_t time_ns;
	uint32_t len, wire_len;
	/* pcapng */
	uint32_t interface;
	enum pcapfile_direction direction;
};

struct pcapfile_format {
	const char *name;
	bool interfaces; /* the format has interfaces */
	uint32_t (*file)(uint8_t *to, uint32_t snaplen);
	uint32_t (*interface)(uint8_t *to, const char *name, uint32_t snaplen);
	uint32_t (*begin)(uint8_t *to, const struct pcapfile_packet *p);
	uint32_t (*end)(uint8_t *to, const struct pcapfile_packet *p);
};

extern const struct pcapfile_format pcapfile_pcap, pcapfile_pcap_us, pcapfile_pcapng;

/* The bytes of a record of pcap, with its header. */
uint32_t pcapfile_record_len(const uint8_t *record);
