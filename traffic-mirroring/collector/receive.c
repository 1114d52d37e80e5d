/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "receive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
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
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../wire/copy.h"
#include "../wire/formats.h"
#include "counters/tally.h"

#define BATCH 32
#define BATCHES 16 /* per socket, before the next socket's turn */
/* Time for datagrams to gather before they are received: a wake-up costs as much as several of them. */
#define GATHER_NS 1000000
/* The longest time that received copies wait for more, so that they are written in large pieces. */
#define LATE_NS 20000000
#define LATE_MS (LATE_NS / 1000000)
#define SOCKETS_MAX (2 * LISTEN_MAX) /* a raw socket has one address family */
#define ROOM 65536 /* one datagram, or several merged by the kernel */

/* The control messages of recvmmsg(). */
struct ancillary {
	uint8_t bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)) +
		      CMSG_SPACE(sizeof(int))];
};

struct receive_socket {
	int fd;
	enum mirror_format format;
	bool ipv4_header; /* is received, too */
	uint32_t drops; /* the kernel's counter when last read */
};

struct receiver {
	struct receive_socket socket[SOCKETS_MAX];
	uint32_t count;
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

static int bind_to(int fd, int family, const struct listen *l)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(l->port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(l->port) };
	int err;

	if (*l->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->device, strlen(l->device)))
		return -errno;
	memcpy(&v4.sin_addr, l->address.bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, l->address.bytes, sizeof(v6.sin6_addr));
	v6.sin6_scope_id = if_nametoindex(l->device); /* link-local addresses need one */
	err = family == AF_INET6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6)) :
				   bind(fd, (struct sockaddr *)&v4, sizeof(v4));
	return err ? -errno : 0;
}

/* Only one of the two formats in GRE. The kernel has its own tunnels for other protocols. */
static int set_gre_filter(int fd, int family, enum mirror_format format)
{
	const uint8_t erspan = format == FORMAT_ERSPAN;
	/* raw sockets begin with the header of IPv4, but after that of IPv6 */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | (family == AF_INET ? BPF_IND : BPF_ABS), 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ERSPAN, !erspan, erspan),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ? -errno : 0;
}

/* shared: more sockets may bind the same port, if all set this. */
static int open_family(const struct listen *l, int family, uint32_t buffer, bool shared)
{
	bool udp = l->format->carrier == CARRIER_UDP, both = family == AF_INET6 && udp && !l->address.family;
	int fd = socket(family, (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK,
			l->format->proto);
	int err;

	if (fd < 0)
		return -errno;
	err = both ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) : 0;
	err = err ?: set(fd, SOL_SOCKET, SO_REUSEPORT, shared);
	err = err ?: set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	err = err ?: set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	/* only root may exceed the system limit */
	if (!err && set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer))
		err = set(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	if (!err && !udp)
		err = set_gre_filter(fd, family, l->format->number);
	err = err ?: bind_to(fd, family, l);
	if (err) {
		close(fd);
		return err;
	}
	if (udp)
		set(fd, IPPROTO_UDP, UDP_GRO, 1); /* faster, if the kernel supports it */
	return fd;
}

/* A UDP socket without an address is for both families. */
static int open_udp(const struct listen *l, uint32_t buffer, bool shared)
{
	int fd = open_family(l, l->address.family ?: AF_INET6, buffer, shared);

	if (fd == -EAFNOSUPPORT && !l->address.family) /* a kernel without IPv6 */
		fd = open_family(l, AF_INET, buffer, shared);
	return fd;
}

static int cannot_listen(const struct listen *l, int err)
{
	int needed = l->format->carrier == CARRIER_UDP ? CAP_NET_BIND_SERVICE : CAP_NET_RAW;

	log_error("cannot listen on \"%s\": %s", l->text, error_text_without(err, needed));
	return err;
}

int receive_check(const struct receive_options *options)
{
	for (uint32_t i = 0; i < options->count; i++) {
		const struct listen *l = &options->listen[i];
		int fd;

		if (l->format->carrier != CARRIER_UDP)
			continue;
		fd = open_udp(l, options->buffer, false);
		if (fd < 0)
			return cannot_listen(l, fd);
		close(fd);
	}
	return 0;
}

static int add_socket(struct receiver *r, const struct listen *l, int fd, bool ipv4_header)
{
	if (fd < 0)
		return cannot_listen(l, fd);
	r->socket[r->count++] = (struct receive_socket){ fd, l->format->number, ipv4_header, 0 };
	return 0;
}

static int add_raw(struct receiver *r, const struct listen *l, uint32_t buffer)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		int fd = -1, family = families[i];

		if (l->address.family && l->address.family != family)
			continue;
		fd = open_family(l, family, buffer, false);
		if (fd != -EAFNOSUPPORT || family == AF_INET || l->address.family)
			err = add_socket(r, l, fd, family == AF_INET);
	}
	return err;
}

int receive_open(const struct receive_options *options, bool raw, struct receiver **receiver)
{
	struct receiver *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r) {
		log_error("no memory for receiving");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < options->count && !err; i++) {
		const struct listen *l = &options->listen[i];

		if (l->format->carrier == CARRIER_UDP)
			err = add_socket(r, l, open_udp(l, options->buffer, true), false);
		else if (l->format->carrier == CARRIER_IP && raw)
			err = add_raw(r, l, options->buffer);
	}
	if (err) {
		receive_close(r);
		return err;
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
	for (uint32_t i = 0; i < r->count; i++)
		close(r->socket[i].fd);
	free(r);
}

/* A message that was queued before ask_for_drops() has an older number. */
static void note_drops(struct receive_socket *s, uint32_t drops)
{
	if ((int32_t)(drops - s->drops) <= 0)
		return;
	tally_add(TALLY_KERNEL_DROPS, drops - s->drops);
	s->drops = drops;
}

/* Messages report the drops before them; this reports those after the last message. */
static void ask_for_drops(struct receive_socket *s)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (!getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len) && len == sizeof(info))
		note_drops(s, info[SK_MEMINFO_DROPS]);
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
static int take_message(struct receiver *r, struct receive_socket *s, int i, const struct receive_sink *sink)
{
	struct msghdr *header = &r->message[i].msg_hdr;
	uint32_t skip = s->ipv4_header ? (r->bytes[i][COPY_ROOM] & 0xf) * 4 : 0;
	uint32_t left = r->message[i].msg_len - skip, size = left, drops;
	struct datagram d = {
		.at = r->bytes[i] + COPY_ROOM + skip,
		.format = s->format,
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
			note_drops(s, drops);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
			size = segment;
		}
	}
	if (!d.time_ns)
		d.time_ns = clock_ns(CLOCK_REALTIME);
	do { /* an empty datagram counts, too */
		d.len = d.wire_len = left < size ? left : size;
		tally(TALLY_DATAGRAMS);
		err = sink->datagram(sink->context, &d);
		d.at += d.len;
		left -= d.len;
	} while (left && !err);
	return err;
}

/* Returns the number of messages, or the sink's negative result. */
static int take_batch(struct receiver *r, struct receive_socket *s, const struct receive_sink *sink)
{
	int n, err = 0;

	for (int i = 0; i < BATCH; i++) {
		r->message[i].msg_hdr.msg_namelen = sizeof(r->source[i]);
		r->message[i].msg_hdr.msg_controllen = sizeof(r->ancillary[i]);
	}
	n = recvmmsg(s->fd, r->message, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) /* no datagram, or an error about a single one */
		return 0;
	for (int i = 0; i < n && !err; i++)
		err = take_message(r, s, i, sink);
	return err ?: n;
}

static int take_all(struct receiver *r, const struct receive_sink *sink)
{
	bool some = false;
	int n;

	for (uint32_t socket = 0; socket < r->count; socket++) {
		for (int batch = 0; batch < BATCHES; batch++) {
			n = take_batch(r, &r->socket[socket], sink);
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
	struct pollfd events[SOCKETS_MAX + 1] = { { .fd = stop, .events = POLLIN } };
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	/* CLOCK_MONOTONIC when the first waiting copy was received; 0: none is waiting */
	uint64_t since = 0;
	bool late;
	time_t end;
	int n;

	for (uint32_t i = 0; i < r->count; i++)
		events[i + 1] = (struct pollfd){ .fd = r->socket[i].fd, .events = POLLIN };
	do {
		n = poll(events, r->count + 1, since ? LATE_MS : 1000);
		for (uint32_t i = 0; i < r->count && !n; i++)
			ask_for_drops(&r->socket[i]);
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
	for (uint32_t i = 0; i < r->count; i++)
		ask_for_drops(&r->socket[i]);
	return n;
}
