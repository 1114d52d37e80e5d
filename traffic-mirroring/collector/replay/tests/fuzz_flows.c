/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A client's stream in pieces that are lost, cut, doubled, reordered and delayed as the fuzzer likes: every
 * request that comes out is one that went in, in the order in which they went in; of a raw stream, the bytes
 * up to a gap do. The client waits for an answer before the next request, as the resynchronization
 * presumes.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../../common/log.h"
#include "../../counters/tally.h"
#include "../flows.h"

#define REQUESTS 16
#define ANSWER 100 /* bytes of each */
#define FIRST 0xffffff00 /* so that sequence numbers wrap */

static void check(bool ok)
{
	if (!ok)
		abort();
}

static char stream[64 * 1024];
static uint32_t starts[REQUESTS + 1];
static uint32_t last; /* request that came out */
static bool raw; /* bytes come out, not requests */
static uint32_t passed_on;

/* Each request is unlike the others; bodies look like requests. */
static void make_stream(void)
{
	char *at = stream;

	for (int i = 0; i < REQUESTS; i++) {
		starts[i] = at - stream;
		if (i % 2)
			at += sprintf(at, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
		else
			at += sprintf(at,
				      "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\nGET /evil "
				      "HTTP/1.1\r\nHost: evil%02d\r\n\r\n",
				      i, i);
	}
	starts[REQUESTS] = at - stream;
}

static void on_begin(void *context, struct flow *flow)
{
	(void)context;
	flow->raw = raw;
}

static void on_request(void *context, struct flow *flow, const struct http_request *request)
{
	(void)context;
	(void)flow;
	for (; last < REQUESTS; last++)
		if (request->len == starts[last + 1] - starts[last] &&
		    !memcmp(request->bytes, stream + starts[last], request->len)) {
			last++;
			return;
		}
	abort();
}

static void on_data(void *context, struct flow *flow, const uint8_t *at, uint32_t len)
{
	(void)context;
	(void)flow;
	check(!memcmp(at, stream + passed_on, len));
	passed_on += len;
}

static void on_end(void *context, struct flow *flow, bool whole)
{
	(void)context;
	(void)flow;
	(void)whole;
}

/* What the client had received when it sent the byte at this offset. */
static uint32_t ack_at(uint32_t offset)
{
	uint32_t n = 0;

	while (n + 1 < REQUESTS && starts[n + 1] <= offset)
		n++;
	return n * ANSWER;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct flows_sink sink = { on_begin, on_request, on_data, on_end, NULL };
	const struct flows_options options = { 4, 4096, { 8192, 5 } };
	struct memory memory = { .limit = 64 * 1024 };
	uint64_t now = 1000;
	struct flows *flows;

	log_init("", LEVEL_ERROR, NULL);
	make_stream();
	last = passed_on = 0;
	raw = size & 1;
	flows = flows_new(&options, &memory, &sink);
	check(flows);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		uint32_t request = data[i] % REQUESTS;
		uint32_t offset = starts[request] + data[i + 1] % (starts[request + 1] - starts[request]);
		/* a client that waits sends no segment with bytes of two requests */
		uint32_t room = starts[request + 1] - offset, len = data[i + 2] < room ? data[i + 2] : room;
		struct segment segment = {
			.key = { .family = 4, .src_port = 1000, .dst_port = 80 },
			.seq = FIRST + offset,
			.ack = ack_at(offset),
			.wire_len = len,
			.len = data[i + 3] & 1 ? len / 2 : len,
			.flags = TH_ACK,
			.payload = (const uint8_t *)stream + offset,
		};
		uint8_t *copy;

		if (data[i + 3] & 2 && (!i || data[3] & 2)) { /* SYN is the first, and perhaps comes again */
			segment.seq = FIRST - 1;
			segment.len = segment.wire_len = 0;
			segment.flags = TH_SYN;
		}
		if (data[i + 3] & 4)
			now += data[i + 3] >> 3;
		copy = malloc(segment.len ?: 1);
		memcpy(copy, segment.payload, segment.len);
		segment.payload = copy;
		flows_segment(flows, &segment, 0, now);
		free(copy);
		flows_expire(flows, now);
		check(memory.used <= memory.limit);
	}
	flows_free(flows);
	check(!memory.used);
	return 0;
}
