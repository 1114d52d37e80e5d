// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "batch.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "../../common/clock.h"

/* Errors of earlier copies that may be reported instead of a copy's own result, before it is given up. */
#define PATIENCE 16

uint8_t *batch_headers(struct batch *b, unsigned int leg)
{
	struct batch_area *area = b->next = &b->area[leg];

	if (b->n == BATCH_COPIES || area->used + BATCH_HEADER_MAX + BATCH_SMALL > sizeof(area->headers))
		batch_send(b);
	return area->headers + area->used;
}

struct batch_copy *batch_add(struct batch *b, struct tx_queue *queue, const struct sockaddr_ll *name,
			     uint32_t header_len, const uint8_t *payload, uint32_t payload_len,
			     uint32_t inner)
{
	struct batch_area *area = b->next;
	uint8_t *header = area->headers + area->used;
	uint32_t index = b->n++;

	area->used += header_len;
	if (payload_len <= BATCH_SMALL) {
		payload = memcpy(area->headers + area->used, payload, payload_len);
		area->used += payload_len;
	}
	b->copy[index] = (struct batch_copy){
		.part = { { header, header_len }, { (void *)payload, payload_len } },
		.len = header_len + payload_len - queue->prefix,
		.inner = inner,
		.packets = 1,
		.next = NO_COPY,
		.name = name,
	};
	if (queue->first == NO_COPY) {
		queue->first = index;
		queue->next = b->queues;
		b->queues = queue;
	} else {
		b->copy[queue->last].next = index;
	}
	queue->last = index;
	return &b->copy[index];
}

/* How many copies from first on fit into one datagram: of one size, the last one may be shorter. */
static uint32_t run_length(const struct batch *b, const struct tx_queue *queue, uint32_t first)
{
	uint32_t size = b->copy[first].len, bytes = size, n = 1;

	/* a datagram that the kernel segments cannot be fragmented */
	if (!queue->segments || size > queue->collector->room.path)
		return 1;
	for (uint32_t i = b->copy[first].next; i != NO_COPY && n < BATCH_SEGMENTS; i = b->copy[i].next) {
		uint32_t len = b->copy[i].len;

		if (len > size || bytes + len > BATCH_SEGMENTS_BYTES)
			break;
		bytes += len;
		n++;
		if (len < size)
			break;
	}
	return n;
}

static void put_segment_size(struct batch *b, unsigned int message, uint16_t size)
{
	struct msghdr *header = &b->message[message].msg_hdr;
	struct cmsghdr *control;

	header->msg_control = &b->control[message];
	header->msg_controllen = sizeof(b->control[message].bytes);
	control = CMSG_FIRSTHDR(header);
	control->cmsg_level = IPPROTO_UDP;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(control), &size, sizeof(size));
}

/* Adds bytes to a message: to its last part if they follow it in memory. Returns the next free part. */
static struct iovec *add_part(const struct msghdr *message, struct iovec *next, const struct iovec *bytes)
{
	struct iovec *last = next - 1;

	if (next > message->msg_iov && (uint8_t *)last->iov_base + last->iov_len == bytes->iov_base) {
		last->iov_len += bytes->iov_len;
		return next;
	}
	*next = *bytes;
	return next + 1;
}

unsigned int batch_plan(struct batch *b, const struct tx_queue *queue, uint32_t first)
{
	struct iovec *part = b->part;
	unsigned int n = 0;

	while (first != NO_COPY) {
		const struct batch_copy *c = &b->copy[first];
		uint32_t run = run_length(b, queue, first);
		struct msghdr *header = &b->message[n].msg_hdr;

		*header = (struct msghdr){ .msg_iov = part };
		if (c->name) {
			header->msg_name = (void *)c->name;
			header->msg_namelen = sizeof(*c->name);
		}
		if (run > 1)
			put_segment_size(b, n, c->len);
		b->copies[n++] = run;
		for (; run; run--, first = b->copy[first].next) {
			c = &b->copy[first];
			part = add_part(header, part, &c->part[0]);
			if (c->part[1].iov_len)
				part = add_part(header, part, &c->part[1]);
		}
		header->msg_iovlen = part - header->msg_iov;
	}
	return n;
}

/* Counts n copies as sent (error 0) or refused. Returns the next one. */
static uint32_t settle(struct batch *b, const struct tx_queue *queue, uint32_t first, uint32_t n, int error)
{
	struct mirror_collector_counters *counters = queue->collector->counters;
	uint64_t bytes = 0, packets = 0;

	for (uint32_t i = 0; i < n; i++, first = b->copy[first].next) {
		bytes += b->copy[first].inner;
		packets += b->copy[first].packets;
	}
	if (error) {
		count_refused(b->shared, error, packets);
		count(&counters->refused, packets);
		if (error == EAGAIN || error == ENOBUFS)
			queue->collector->lost += bytes;
	} else {
		count(&b->shared->sent[SENT_COPIES], packets);
		count(&b->shared->sent[SENT_BYTES], bytes);
		count(&counters->copies, packets);
		count(&counters->bytes, bytes);
	}
	return first;
}

/* Truncates copies to a path MTU that shrank after they were made. */
static void fit(struct batch *b, const struct tx_queue *queue, uint32_t first)
{
	const struct collector *to = queue->collector;

	for (; first != NO_COPY; first = b->copy[first].next) {
		struct batch_copy *c = &b->copy[first];
		uint32_t room = to->room.path, surplus = c->len > room ? c->len - room : 0;

		if (to->group->oversize != OVERSIZE_TRUNCATE || surplus > c->part[1].iov_len ||
		    c->packets > 1)
			continue;
		c->part[1].iov_len -= surplus;
		c->len -= surplus;
		c->inner -= surplus;
		if (surplus)
			count(&b->shared->sent[SENT_OVERSIZE_TRUNCATED], 1);
	}
}

/* Handles an error on the first message. True: try again. */
static bool recover(struct batch *b, struct tx_queue *queue, uint32_t first, int error)
{
	uint32_t room = queue->collector->room.path;

	switch (error) {
	case EINTR:
		return true;
	case EMSGSIZE:
		collector_refresh(queue->collector);
		if (queue->collector->room.path < room) {
			fit(b, queue, first);
			return true;
		}
		/* or some device could not take the unsegmented size */
		__attribute__((fallthrough));
	case EIO:
	case EINVAL:
	case EOPNOTSUPP:
		if (b->copies[0] > 1) {
			queue->segments = false;
			return true;
		}
		if (b->copy[first].packets > 1)
			queue->collector->whole = false; /* later ones are segmented here */
	}
	return collector_read_errors(queue, b->now);
}

/* Like sendmmsg(). If the socket is full, waits a short time with one message: all collectors wait for it. */
static int hand_over(struct batch *b, const struct tx_queue *queue, unsigned int n)
{
	struct collector *c = queue->collector;
	int sent = sendmmsg(queue->fd, b->message, n, MSG_DONTWAIT);
	uint64_t start;

	if (sent >= 0 || errno != EAGAIN || !collector_may_wait(c))
		return sent;
	start = clock_ns(CLOCK_MONOTONIC);
	sent = sendmmsg(queue->fd, b->message, 1, 0);
	c->waited_ns += clock_ns(CLOCK_MONOTONIC) - start;
	return sent;
}

static void send_queue(struct batch *b, struct tx_queue *queue)
{
	uint32_t first = queue->first, patience = PATIENCE;
	unsigned int n;
	int sent, error;

	while (first != NO_COPY) {
		n = batch_plan(b, queue, first);
		sent = hand_over(b, queue, n);
		error = errno;
		if (sent > 0) {
			for (int i = 0; i < sent; i++)
				first = settle(b, queue, first, b->copies[i], 0);
		} else if (error == EAGAIN) { /* its socket is full; do not hold up the others */
			b->shared->state->alive_ns[b->shared->thread] = clock_ns(CLOCK_MONOTONIC);
			for (unsigned int i = 0; i < n; i++)
				first = settle(b, queue, first, b->copies[i], error);
		} else if (!patience-- || !recover(b, queue, first, error)) {
			first = settle(b, queue, first, b->copies[0], error);
			patience = PATIENCE;
		}
	}
	queue->used_ns = b->now;
	queue->first = queue->last = NO_COPY;
}

void batch_send(struct batch *b)
{
	for (struct tx_queue *queue = b->queues; queue; queue = queue->next)
		send_queue(b, queue);
	b->queues = NULL;
	b->n = 0;
	for (int leg = 0; leg < MIRROR_MAX_LEGS; leg++)
		b->area[leg].used = 0;
}
