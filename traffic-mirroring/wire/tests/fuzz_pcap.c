// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Any bytes as a capture: each packet lies in the file, and its frame in the room it gets. For libFuzzer. */
#include <stdlib.h>

#include "../pcap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[64];
	struct pcap_reader r;
	struct pcap_packet p;

	if (!pcap_open(&r, data, size))
		return 0;
	while (pcap_next(&r, &p) == PCAP_PACKET) {
		if (p.at < data || p.len > p.wire_len || p.at + p.len > data + size)
			abort();
		if (pcap_frame(&p, frame, sizeof(frame)) > (int)sizeof(frame) || p.len > p.wire_len)
			abort();
	}
	return 0;
}
