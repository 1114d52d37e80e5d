/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../../common/log.h"
#include "../counters/tally.h"
#include "tls.h"

bool link_is_address(const struct sockaddr_storage *a, uint8_t family, const uint8_t *address, uint16_t port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (family == 4)
		return v4->sin_family == AF_INET && ntohs(v4->sin_port) == port &&
		       !memcmp(&v4->sin_addr, address, 4);
	return v6->sin6_family == AF_INET6 && ntohs(v6->sin6_port) == port &&
	       !memcmp(&v6->sin6_addr, address, 16);
}

void link_init(struct link *l, struct link_target *target,
	       void (*on_event)(void *context, uint32_t events, uint64_t now_ns), void *context)
{
	*l = (struct link){ .target = target, .on_event = on_event, .context = context, .fd = -1 };
}

size_t link_memory(const struct link_target *target)
{
	return target->tls ? TLS_MEMORY : 0;
}

static int begin(struct link *l)
{
	struct link_target *to = l->target;
	struct epoll_event event = { EPOLLIN | EPOLLOUT | EPOLLRDHUP, { .ptr = l } };
	int one = 1;

	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, (struct sockaddr *)&to->address, to->address_len) && errno != EINPROGRESS)
		return -errno;
	if (epoll_ctl(to->events, EPOLL_CTL_ADD, l->fd, &event))
		return -errno;
	l->sending = true;
	l->tls = to->tls ? replay_tls_begin(to->tls, l->fd, to->host) : NULL;
	return to->tls && !l->tls ? -ENOMEM : 0;
}

int link_open(struct link *l, uint64_t now_ns)
{
	int err;

	l->fd = socket(l->target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	err = begin(l);
	if (err)
		link_close(l, now_ns);
	else
		l->port = ends_open(l->target->ends, l->fd);
	return err;
}

void link_close(struct link *l, uint64_t now_ns)
{
	if (l->fd < 0)
		return;
	if (l->port)
		ends_close(l->target->ends, l->port, now_ns);
	replay_tls_end(l->tls);
	l->tls = NULL;
	close(l->fd); /* leaves the epoll, too */
	l->fd = -1;
	l->port = 0;
	l->connected = false;
}

void link_reset(struct link *l, uint64_t now_ns)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (l->fd >= 0)
		setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	link_close(l, now_ns);
}

static bool shakes_hands(const struct link *l)
{
	return l->tls && replay_tls_is_new(l->tls);
}

void link_watch(struct link *l, bool writable)
{
	bool out = shakes_hands(l) ? !replay_tls_awaits(l->tls) : writable;
	struct epoll_event event = { EPOLLIN | EPOLLRDHUP | (out ? EPOLLOUT : 0), { .ptr = l } };

	l->sending = writable;
	epoll_ctl(l->target->events, EPOLL_CTL_MOD, l->fd, &event);
}

void link_event(struct link *l, uint32_t events, uint64_t now_ns)
{
	if (l->fd < 0)
		return;
	l->connected |= events & EPOLLOUT && !(events & EPOLLERR) && !l->tls;
	l->on_event(l->context, events, now_ns);
}

/* After a call that may have been a part of the handshake, and returned n. */
static void go_on(struct link *l, ssize_t n)
{
	l->connected = !shakes_hands(l);
	if (l->connected || n == -EAGAIN) {
		link_watch(l, l->sending);
		return;
	}
	tally(TALLY_TLS_FAILED);
	if (!l->target->fault_said)
		log_warn("no TLS with \"%s\": %s", l->target->host,
			 n && n != -EPROTO ? strerror(-n) : replay_tls_fault(l->tls));
	l->target->fault_said = true;
}

ssize_t link_send(struct link *l, const void *bytes, size_t len)
{
	bool new = shakes_hands(l);
	ssize_t n = l->tls ? replay_tls_send(l->tls, bytes, len) : send(l->fd, bytes, len, MSG_NOSIGNAL);

	if (n < 0 && !l->tls)
		n = errno == EINTR ? -EAGAIN : -errno;
	if (new)
		go_on(l, n);
	return n;
}

ssize_t link_receive(struct link *l, void *bytes, size_t size)
{
	bool new = shakes_hands(l);
	ssize_t n = l->tls ? replay_tls_receive(l->tls, bytes, size) : recv(l->fd, bytes, size, 0);

	if (n < 0 && !l->tls)
		n = errno == EINTR ? -EAGAIN : -errno;
	if (new)
		go_on(l, n);
	return n;
}

void link_shutdown(struct link *l)
{
	shutdown(l->fd, SHUT_WR);
}

bool link_unacknowledged(const struct link *l)
{
	int bytes;

	return !ioctl(l->fd, SIOCOUTQ, &bytes) && bytes;
}
