/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Any packets of one flow: whatever they hold, memory stays within its limit and a name is one. A client's
 * stream gives the same name in one segment as in several, in and out of order. So that not only headers are
 * read, frames are put into packets of QUIC, and ClientHellos and requests are good but for a few bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "../cursor.h"
#include "../reassembly.h"
#include "hello.h"
#include "initial.h"
#include "name_flow.h"

#define MEMORY_MAX (2 * REASSEMBLY_MAX + 8192)

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_flow(const struct name_flow *f)
{
	char name[NAME_SIZE];

	check(name_reader_bytes(f->reader) <= MEMORY_MAX);
	if (f->state != NAME_FOUND)
		return;
	check(domain_name((const uint8_t *)f->name, strlen(f->name), name));
	check(!strcmp(f->name, name));
}

static void read_segments(struct cursor c)
{
	struct name_flow f;

	name_flow_begin(&f);
	while (c.left && f.state == NAME_UNDECIDED) {
		uint8_t kind = cursor_number(&c, 1);
		uint32_t seq = cursor_number(&c, kind & 4 ? 4 : 1);
		struct cursor payload = cursor_vector(&c, 1);

		name_flow_tcp(&f, kind & 1, kind >> 3 & (TH_SYN | TH_ACK), seq, payload.at, payload.left);
		check_flow(&f);
	}
	name_flow_end(&f);
}

static void read_datagrams(struct cursor c)
{
	struct name_flow f;

	name_flow_begin(&f);
	while (c.left && f.state == NAME_UNDECIDED) {
		uint8_t kind = cursor_number(&c, 1);
		struct cursor payload = cursor_vector(&c, 2);

		name_flow_udp(&f, kind & 1, kind >> 1, payload.at, payload.left);
		check_flow(&f);
	}
	name_flow_end(&f);
}

/* Sends a part of a stream, if the name is not yet known. */
static void send_part(struct name_flow *f, struct cursor stream, size_t from, size_t to)
{
	if (from < to && f->state == NAME_UNDECIDED)
		name_flow_send(f, from, stream.at + from, to - from);
	check_flow(f);
}

/* In two parts, the second one first if `swapped`. */
static void read_parts(struct name_flow *f, struct cursor stream, size_t cut, bool swapped)
{
	name_flow_begin(f);
	name_flow_open(f);
	if (swapped)
		send_part(f, stream, cut, stream.left);
	send_part(f, stream, 0, cut);
	send_part(f, stream, cut, stream.left);
	name_flow_end(f);
}

static void read_stream(struct cursor stream, size_t cut)
{
	struct name_flow whole, parts;

	read_parts(&whole, stream, stream.left, false);
	for (int swapped = 0; swapped < 2; swapped++) {
		read_parts(&parts, stream, cut % (stream.left + 1), swapped);
		check(parts.state == whole.state && !strcmp(parts.name, whole.name));
	}
}

/* Bytes that give a name, some of them replaced. */
static struct cursor edited(uint8_t *bytes, size_t len, struct cursor edits)
{
	while (edits.left) {
		size_t at = cursor_number(&edits, 1) % len;

		bytes[at] = cursor_number(&edits, 1);
	}
	return (struct cursor){ bytes, len, false };
}

static void read_hello(struct cursor edits, size_t cut)
{
	static uint8_t message[HELLO_MAX], records[8 * HELLO_MAX];
	size_t len = hello_build(&(struct hello){ .name = "a.b" }, message);

	edited(message, len, edits);
	read_stream((struct cursor){ records, hello_records(message, len, cut % len + 1, records), false },
		    cut);
}

static void read_request(struct cursor edits, size_t cut)
{
	uint8_t request[] =
		"PUT http://a.b:1/ HTTP/1.1\r\nHost: c.d \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx";

	read_stream(edited(request, sizeof(request) - 1, edits), cut);
}

/* Packets whose keys are right, most of them with the same ID. */
static void read_initials(struct cursor c)
{
	uint8_t packet[5000];
	struct name_flow f;

	name_flow_begin(&f);
	while (c.left && f.state == NAME_UNDECIDED) {
		uint8_t kind = cursor_number(&c, 1);
		struct cursor frames = cursor_vector(&c, 2);
		struct initial_packet p = {
			.version = kind & 1 ? QUIC_V2 : QUIC_V1,
			.id = { kind >> 5 },
			.id_len = 8,
			.number_size = 1 + (kind >> 1 & 3),
			.frames = frames.at,
			.frames_len = frames.left,
		};

		name_flow_udp(&f, CLIENT, 0, packet, initial_seal(&p, packet));
		check_flow(&f);
	}
	name_flow_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = { data, size, false };
	uint8_t kind = cursor_number(&c, 1), cut = cursor_number(&c, 1);

	if (!c.left || c.left > 4096)
		return 0;
	switch (kind % 6) {
	case 0:
		read_segments(c);
		break;
	case 1:
		read_datagrams(c);
		break;
	case 2:
		read_stream(c, cut);
		break;
	case 3:
		read_hello(c, cut);
		break;
	case 4:
		read_initials(c);
		break;
	case 5:
		read_request(c, cut);
		break;
	}
	return 0;
}
