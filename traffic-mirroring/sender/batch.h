/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Copies that go to the kernel together: with as few system calls as possible, and runs of copies of one size
 * as one datagram that the kernel or the NIC segments. Copies of one TX queue are sent in order of arrival.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../wire/encap.h"
#include "../host/shared.h"
#include "collectors.h"
#include "whole.h"

#define BATCH_COPIES 512
#define NO_COPY UINT32_MAX
/* For one datagram that is segmented: limits that hold since Linux first supported UDP GSO. */
#define BATCH_SEGMENTS 64
#define BATCH_SEGMENTS_BYTES 65000

/* Payload up to this size is copied after its header: the kernel takes one block faster than many. */
#define BATCH_SMALL 256
/* All headers of a leg's copies, and small payloads; most copies take less than 256 bytes of it. */
#define BATCH_HEADER_MAX (WHOLE_HEADER + ENCAP_MAX + SPLIT_HEADER_MAX)
#define BATCH_HEADERS (BATCH_COPIES * 256 + BATCH_HEADER_MAX + BATCH_SMALL)

struct batch_copy {
	struct iovec part[2]; /* headers, payload */
	uint32_t len; /* of both */
	uint32_t inner; /* bytes of the copied packet within len */
	uint32_t packets; /* more than one: a GSO packet that is sent whole; inner is the sum of theirs */
	uint32_t next; /* of the same queue */
	const struct sockaddr_ll *name; /* NULL: the socket is connected */
};

struct batch {
	const struct shared *shared;
	uint64_t now; /* CLOCK_MONOTONIC */
	struct batch_copy copy[BATCH_COPIES];
	uint32_t n;
	/* each leg's copies follow one another, as the kernel likes them */
	struct batch_area {
		uint8_t headers[BATCH_HEADERS];
		size_t used;
	} area[MIRROR_MAX_LEGS];
	struct batch_area *next; /* the area of the next copy */
	struct tx_queue *queues; /* with waiting copies */
	/* the messages of one system call */
	struct mmsghdr message[BATCH_COPIES];
	uint32_t copies[BATCH_COPIES]; /* in each message */
	struct iovec part[2 * BATCH_COPIES];
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control[BATCH_COPIES];
};

/* Space for the headers of the next copy, BATCH_HEADER_MAX bytes, by leg; a full batch is sent first. */
uint8_t *batch_headers(struct batch *b, unsigned int leg);

/*
 * Adds a copy: the headers in that space, after the queue's prefix, and payload, which must stay valid until
 * batch_send(). Returns it.
 */
struct batch_copy *batch_add(struct batch *b, struct tx_queue *queue, const struct sockaddr_ll *name,
			     uint32_t header_len, const uint8_t *payload, uint32_t payload_len,
			     uint32_t inner);

/* Hands all copies to the kernel, counts them, and empties the batch. */
void batch_send(struct batch *b);

/* Fills in the messages for the copies from first on. Returns how many. For batch_send() and its test. */
unsigned int batch_plan(struct batch *b, const struct tx_queue *queue, uint32_t first);
