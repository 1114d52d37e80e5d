/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Any bytes as a datagram, through its tunnels, to a frame and a TCP segment. Nothing outside of it is read.
 */
#include <stdlib.h>
#include <string.h>

#include "../../../wire/copy.h"
#include "../../../wire/tests/ports.h"
#include "../segment.h"

#define FORMATS (FORMAT_COUNT - 1)

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct copy p = { 0 };
	struct capture datagram;
	struct segment segment;
	uint8_t *room;
	struct decap d;

	if (size < 1 || size > 65536)
		return 0;
	room = malloc(COPY_ROOM + size - 1);
	memcpy(room + COPY_ROOM, data + 1, size - 1);
	datagram = (struct capture){ room + COPY_ROOM, size - 1, size - 1 };
	if (decap_datagram(&datagram, 1 + data[0] % FORMATS, &ports, 1 + data[0] / FORMATS % DECAP_DEPTH_MAX,
			   &d) == DECAP_PACKET) {
		check(d.offset <= size - 1 && d.len <= size - 1 - d.offset);
		copy_make(room + COPY_ROOM, &d, &p);
		check(p.frame.at >= room && p.frame.len >= COPY_ROOM && p.frame.wire_len >= p.frame.len);
		check(p.frame.at + p.frame.len <= room + COPY_ROOM + size - 1);
		if (segment_find(&p, &segment) == SEGMENT_FOUND) {
			check(segment.len <= segment.wire_len);
			check(segment.payload + segment.len <= p.frame.at + p.frame.len);
			segment_valid(&p, &segment);
		}
	}
	free(room);
	return 0;
}
