/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "../wire/copy.h"
#include "counters/tally.h"

#define BATCH 32
#define BATCHES 16 /* per socket, before the next socket's turn */
/* Time for datagrams to gather before they are received: a wake-up costs as much as several of them. */
#define GATHER_NS 1000000
/* The longest time that received copies wait for more, so that they are written in large pieces. */
#define LATE_NS 20000000
#define LATE_MS (LATE_NS / 1000000)
#define ROOM 65536 /* one datagram, or several merged by the kernel */

/* The control messages of recvmmsg(). */
struct ancillary {
	uint8_t bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)) +
		      CMSG_SPACE(sizeof(int))];
};

struct receiver {
	struct receive_options options;
	int fd[RECEIVE_LISTEN_MAX];
	uint32_t drops[RECEIVE_LISTEN_MAX]; /* the kernel's counter when last read */
	struct mmsghdr message[BATCH];
	struct iovec part[BATCH];
	struct sockaddr_storage source[BATCH];
	struct ancillary ancillary[BATCH];
	uint8_t bytes[BATCH][COPY_ROOM + ROOM];
};

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int bind_any(int fd, int family, uint16_t port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int err = family == AF_INET6 ? bind(fd, (struct sockaddr *)&any6, sizeof(any6)) :
				       bind(fd, (struct sockaddr *)&any4, sizeof(any4));

	return err ? -errno : 0;
}

/* shared: more sockets may bind the same port, if all set this. */
static int open_socket(uint16_t port, uint32_t buffer, bool shared)
{
	int family = AF_INET6, err;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 && errno == EAFNOSUPPORT) { /* a kernel without IPv6 */
		family = AF_INET;
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (fd < 0)
		return -errno;
	err = family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) : 0;
	err = err ?: set(fd, SOL_SOCKET, SO_REUSEPORT, shared);
	err = err ?: set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	err = err ?: set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	/* only root may exceed the system limit */
	if (!err && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
		err = set(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	err = err ?: bind_any(fd, family, port);
	if (err) {
		close(fd);
		return err;
	}
	set(fd, IPPROTO_UDP, UDP_GRO, 1); /* faster, if the kernel supports it */
	return fd;
}

int receive_check(const struct receive_options *options)
{
	for (uint32_t i = 0; i < options->count; i++) {
		int fd = open_socket(options->listen[i].port, options->buffer, false);

		if (fd < 0) {
			log_error("cannot listen on UDP port %u: %s", options->listen[i].port, strerror(-fd));
			return fd;
		}
		close(fd);
	}
	return 0;
}

int receive_open(const struct receive_options *options, struct receiver **receiver)
{
	struct receiver *r = calloc(1, sizeof(*r));

	if (!r) {
		log_error("no memory for receiving");
		return -ENOMEM;
	}
	r->options = *options;
	r->options.count = 0;
	for (uint32_t i = 0; i < options->count; i++) {
		int fd = open_socket(options->listen[i].port, options->buffer, true);

		if (fd < 0) {
			log_error("cannot listen on UDP port %u: %s", options->listen[i].port, strerror(-fd));
			receive_close(r);
			return fd;
		}
		r->fd[r->options.count++] = fd;
	}
	for (int i = 0; i < BATCH; i++) {
		r->part[i] = (struct iovec){ r->bytes[i] + COPY_ROOM, ROOM };
		r->message[i].msg_hdr = (struct msghdr){
			.msg_name = &r->source[i],
			.msg_iov = &r->part[i],
			.msg_iovlen = 1,
			.msg_control = &r->ancillary[i],
		};
	}
	*receiver = r;
	return 0;
}

void receive_close(struct receiver *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->options.count; i++)
		close(r->fd[i]);
	free(r);
}

static void note_drops(struct receiver *r, uint32_t socket, uint32_t drops)
{
	tally_add(TALLY_KERNEL_DROPS, drops - r->drops[socket]);
	r->drops[socket] = drops;
}

/* Messages report the drops before them; this reports those after the last message. */
static void ask_for_drops(struct receiver *r, uint32_t socket)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (!getsockopt(r->fd[socket], SOL_SOCKET, SO_MEMINFO, info, &len) && len == sizeof(info))
		note_drops(r, socket, info[SK_MEMINFO_DROPS]);
}

static struct address address_of(const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	struct address a = { .family = AF_INET };

	if (from->ss_family == AF_INET) {
		memcpy(a.bytes, &v4->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		memcpy(a.bytes, v6->sin6_addr.s6_addr + 12, 4);
	} else {
		a.family = AF_INET6;
		memcpy(a.bytes, &v6->sin6_addr, 16);
	}
	return a;
}

/* One message: one datagram, or several of equal size, of which the last may be smaller. */
static int take_message(struct receiver *r, uint32_t socket, int i, const struct receive_sink *sink)
{
	struct msghdr *header = &r->message[i].msg_hdr;
	uint32_t left = r->message[i].msg_len, size = left, drops;
	struct datagram d = {
		.at = r->bytes[i] + COPY_ROOM,
		.format = r->options.listen[socket].format,
		.source = address_of(&r->source[i]),
	};
	struct timespec time;
	int segment, err;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&time, CMSG_DATA(c), sizeof(time));
			d.time_ns = time.tv_sec * SECOND_NS + time.tv_nsec;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&drops, CMSG_DATA(c), sizeof(drops));
			note_drops(r, socket, drops);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
			size = segment;
		}
	}
	if (!d.time_ns)
		d.time_ns = clock_ns(CLOCK_REALTIME);
	do { /* an empty datagram counts, too */
		d.len = left < size ? left : size;
		tally(TALLY_DATAGRAMS);
		err = sink->datagram(sink->context, &d);
		d.at += d.len;
		left -= d.len;
	} while (left && !err);
	return err;
}

/* Returns the number of messages, or the sink's negative result. */
static int take_batch(struct receiver *r, uint32_t socket, const struct receive_sink *sink)
{
	int n, err = 0;

	for (int i = 0; i < BATCH; i++) {
		r->message[i].msg_hdr.msg_namelen = sizeof(r->source[i]);
		r->message[i].msg_hdr.msg_controllen = sizeof(r->ancillary[i]);
	}
	n = recvmmsg(r->fd[socket], r->message, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) /* no datagram, or an error about a single one */
		return 0;
	for (int i = 0; i < n && !err; i++)
		err = take_message(r, socket, i, sink);
	return err ?: n;
}

static int take_all(struct receiver *r, const struct receive_sink *sink)
{
	bool some = false;
	int n;

	for (uint32_t socket = 0; socket < r->options.count; socket++) {
		for (int batch = 0; batch < BATCHES; batch++) {
			n = take_batch(r, socket, sink);
			if (n < 0)
				return n;
			some |= n > 0;
			if (n < BATCH)
				break;
		}
	}
	return some;
}

int receive_run(struct receiver *r, int stop, const struct receive_sink *sink)
{
	struct pollfd events[RECEIVE_LISTEN_MAX + 1] = { { .fd = stop, .events = POLLIN } };
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	/* CLOCK_MONOTONIC when the first waiting copy was received; 0: none is waiting */
	uint64_t since = 0;
	bool late;
	time_t end;
	int n;

	for (uint32_t i = 0; i < r->options.count; i++)
		events[i + 1] = (struct pollfd){ .fd = r->fd[i], .events = POLLIN };
	do {
		n = poll(events, r->options.count + 1, since ? LATE_MS : 1000);
		for (uint32_t i = 0; i < r->options.count && !n; i++)
			ask_for_drops(r, i);
		n = take_all(r, sink);
		if (n < 0)
			break;
		if (n && !since)
			since = clock_ns(CLOCK_MONOTONIC);
		late = since && (!n || clock_ns(CLOCK_MONOTONIC) - since >= LATE_NS);
		if (late)
			since = 0;
		if (n || late)
			n = sink->pause(sink->context, late) ?: n;
		if (n > 0)
			nanosleep(&gather, NULL);
	} while (n >= 0 && !(events[0].revents & POLLIN));

	for (end = time(NULL) + 1; n >= 0 && time(NULL) <= end;) {
		n = take_all(r, sink);
		if (!n)
			break;
	}
	n = n < 0 ? n : sink->pause(sink->context, true);
	for (uint32_t i = 0; i < r->options.count; i++)
		ask_for_drops(r, i);
	return n;
}
