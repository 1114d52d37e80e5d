/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One direction of a TCP connection, put in order: retransmissions and second copies go, what came early is held
 * until what is before it comes, and where nothing comes in time there is a gap.
 */
#ifndef COLLECTOR_STREAM_H
#define COLLECTOR_STREAM_H

#include "memory.h"
#include "segment.h"

struct stream_limits {
	uint32_t bytes; /* held per stream, what they cost in memory included */
	uint64_t time_ns; /* that a segment is held */
};

struct stream_sink {
	/*
	 * The next bytes. boundary: they are the beginning of a segment that the sender sent after it had
	 * received an answer to all that it had sent before, as a client does that begins the next request.
	 */
	void (*data)(void *context, const uint8_t *at, uint32_t len, bool boundary);
	/* len bytes are missing here. */
	void (*gap)(void *context, uint32_t len);
	void *context;
};

struct stream {
	uint32_t next; /* sequence number of the first byte that has not been given out */
	/*
	 * The highest sequence number seen, that is all that was sent, copied or not; and what the sender had
	 * received at most when it was there.
	 */
	uint32_t edge, edge_ack;
	bool edge_known;
	bool fin;
	uint32_t fin_seq;
	uint64_t fin_ns; /* when it was seen */
	uint32_t held_bytes;
	struct stream_chunk *held, *held_last; /* in order of their sequence numbers */
};

enum stream_result {
	STREAM_TAKEN,
	STREAM_HELD,
	STREAM_DUPLICATE,
	STREAM_OUTSIDE, /* too far from the rest to be true */
	STREAM_NO_MEMORY,
};

/* next: sequence number of the first byte. */
void stream_begin(struct stream *s, uint32_t next);

/* A segment with neither SYN nor RST. now_ns: any clock that only goes forward. */
enum stream_result stream_push(struct stream *s, const struct segment *segment,
			       const struct stream_limits *limits, struct memory *memory, uint64_t now_ns,
			       const struct stream_sink *sink);

/* Gives up what has been waited for long enough. True: there is more to wait for. */
bool stream_expire(struct stream *s, const struct stream_limits *limits, struct memory *memory,
		   uint64_t now_ns, const struct stream_sink *sink);

/* Everything up to FIN has been given out. */
bool stream_complete(const struct stream *s);

/* Gives out what is held, with gaps, up to all that is known to have been sent. */
void stream_end(struct stream *s, struct memory *memory, const struct stream_sink *sink);

#endif
