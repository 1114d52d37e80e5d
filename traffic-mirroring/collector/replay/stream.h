/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One direction of a TCP connection, put in order: retransmissions and duplicates are dropped, early segments
 * are held until those before them arrive, and missing ones leave a gap after a time-out.
 */
#pragma once

#include "memory.h"
#include "segment.h"

struct stream_limits {
	uint32_t bytes; /* held per stream, including memory overhead */
	uint64_t time_ns; /* for which a segment is held */
};

struct stream_sink {
	/*
	 * The next bytes. boundary: they begin a segment that was sent after the sender had received a
	 * response to everything before it, as when a client begins its next request.
	 */
	void (*data)(void *context, const uint8_t *at, uint32_t len, bool boundary);
	/* len bytes are missing here. */
	void (*gap)(void *context, uint32_t len);
	void *context;
};

struct stream {
	uint32_t next; /* sequence number of the first byte not delivered yet */
	/*
	 * The highest sequence number seen, that is the end of all bytes sent, copied or not; and the most
	 * that the sender had received at that point.
	 */
	uint32_t edge, edge_ack;
	bool edge_known;
	uint32_t ack; /* the highest acknowledgement */
	bool fin;
	uint32_t fin_seq;
	uint64_t fin_ns; /* when it was seen */
	uint32_t held_bytes;
	/* In order of their sequence numbers, from `first` on; `room` is the size of the array. */
	struct stream_chunk **held;
	uint32_t first, count, room;
};

enum stream_result {
	STREAM_TAKEN,
	STREAM_HELD,
	STREAM_DUPLICATE,
	STREAM_OUTSIDE, /* its numbers are too far from the others' to be valid */
	STREAM_NO_MEMORY,
};

/* next: sequence number of the first byte. */
void stream_begin(struct stream *s, uint32_t next);

/* A segment with neither SYN nor RST. now_ns: any monotonic clock. */
enum stream_result stream_push(struct stream *s, const struct segment *segment,
			       const struct stream_limits *limits, struct memory *memory, uint64_t now_ns,
			       const struct stream_sink *sink);

/* Gives up on segments that are too late. True: others are still awaited. */
bool stream_expire(struct stream *s, const struct stream_limits *limits, struct memory *memory,
		   uint64_t now_ns, const struct stream_sink *sink);

/* A reset with this sequence number is the sender's own, not a guess (RFC 5961 3.2). */
bool stream_ends_at(const struct stream *s, uint32_t seq);

/* A segment brings nothing that had not come since `start`. */
bool stream_had(const struct stream *s, uint32_t start, const struct segment *segment);

/* Everything up to FIN has been delivered. */
bool stream_complete(const struct stream *s);

/* Delivers held segments, with gaps, up to the end of all that is known to have been sent. */
void stream_end(struct stream *s, struct memory *memory, const struct stream_sink *sink);
