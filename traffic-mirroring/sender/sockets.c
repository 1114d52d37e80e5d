// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../abi/maps.h"
#include "../wire/encap.h"
#include "../host/shared.h"

#define SEND_BUFFER (4 << 20)
/* The longest time to wait for room in a socket. */
#define SEND_TIMEOUT_MS 20

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The same options have different numbers in IPv6. */
static const struct {
	int level, ttl, tos, discover, errors, mtu;
} options[] = {
	[0] = { IPPROTO_IP, IP_TTL, IP_TOS, IP_MTU_DISCOVER, IP_RECVERR, IP_MTU },
	[1] = { IPPROTO_IPV6, IPV6_UNICAST_HOPS, IPV6_TCLASS, IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_MTU },
};

static socklen_t name_of(union name *name, int family, const uint8_t *address, uint16_t port)
{
	memset(name, 0, sizeof(*name));
	name->any.sa_family = family;
	if (family == AF_INET) {
		name->v4.sin_port = htons(port);
		memcpy(&name->v4.sin_addr, address, sizeof(name->v4.sin_addr));
		return sizeof(name->v4);
	}
	name->v6.sin6_port = htons(port);
	memcpy(&name->v6.sin6_addr, address, sizeof(name->v6.sin6_addr));
	return sizeof(name->v6);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* Received packets would only fill the buffer: collectors do not reply; raw sockets get others' packets. */
static int receive_nothing(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = { .len = 1, .filter = &nothing };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int set_common(int fd)
{
	const struct timeval timeout = { .tv_usec = SEND_TIMEOUT_MS * 1000 };
	int err = receive_nothing(fd);

	if (!err)
		err = set(fd, SOL_SOCKET, SO_MARK, MIRROR_MARK);
	if (!err)
		err = set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER);
	if (!err && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
		err = -errno;
	return err;
}

static int set_ip(int fd, const struct mirror_group *g, int family)
{
	int v6 = family == AF_INET6, level = options[v6].level;
	/* the same values in IPv6 */
	int discover = g->oversize == OVERSIZE_FRAGMENT ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;
	int err = set(fd, level, options[v6].discover, discover);

	if (!err)
		err = set(fd, level, options[v6].errors, 1);
	if (!err && g->ttl)
		err = set(fd, level, options[v6].ttl, g->ttl);
	if (!err && g->dscp)
		err = set(fd, level, options[v6].tos, g->dscp << 2);
	return err;
}

static int bind_local(int fd, const struct mirror_group *g, int family, uint16_t port)
{
	static const uint8_t any[16];
	const uint8_t *address = g->local_family == family ? g->local_addr : any;
	union name name;
	socklen_t size;
	int err;

	if (address == any && !port)
		return 0;
	/* the sockets of several collectors share one port */
	err = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	size = name_of(&name, family, address, port);
	if (!err && bind(fd, &name.any, size))
		err = -errno;
	return err;
}

int socket_open(const struct mirror_group *g, const struct mirror_collector *c)
{
	const struct format *format = format_of(c->format);
	enum carrier carrier = format->carrier;
	int fd, err;

	switch (carrier) {
	case CARRIER_UDP:
		fd = socket(c->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		break;
	case CARRIER_IP:
		fd = socket(c->family, SOCK_RAW | SOCK_CLOEXEC, format->proto);
		break;
	default: /* protocol 0: receives nothing; each frame names its device */
		fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	err = set_common(fd);
	if (!err && carrier == CARRIER_DEVICE && !g->segment)
		err = set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (!err && carrier != CARRIER_DEVICE)
		err = set_ip(fd, g, c->family);
	if (!err && carrier != CARRIER_DEVICE)
		err = bind_local(fd, g, c->family, carrier == CARRIER_UDP ? g->local_port : 0);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int socket_connect(int fd, const struct mirror_collector *c)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	union name name;
	socklen_t size = name_of(&name, c->family, c->addr, c->port);

	/* the source address of a socket does not change while it is connected */
	(void)connect(fd, &none, sizeof(none));
	return connect(fd, &name.any, size) ? -errno : 0;
}

int socket_probe(const struct mirror_group *g, const struct mirror_collector *c, struct address *source,
		 uint32_t *mtu)
{
	int fd = socket(c->family, SOCK_DGRAM | SOCK_CLOEXEC, 0), v6 = c->family == AF_INET6, err;
	socklen_t size, mtu_size = sizeof(*mtu);
	union name name;

	if (fd < 0)
		return -errno;
	err = bind_local(fd, g, c->family, 0);
	size = name_of(&name, c->family, c->addr, c->port ? c->port : 1);
	if (!err && (connect(fd, &name.any, size) || getsockname(fd, &name.any, &size) ||
		     getsockopt(fd, options[v6].level, options[v6].mtu, mtu, &mtu_size)))
		err = -errno;
	close(fd);
	if (err)
		return err;
	*source = (struct address){ .family = c->family };
	if (v6)
		memcpy(source->bytes, &name.v6.sin6_addr, sizeof(name.v6.sin6_addr));
	else
		memcpy(source->bytes, &name.v4.sin_addr, sizeof(name.v4.sin_addr));
	return 0;
}

void socket_read_errors(int fd, struct socket_errors *errors)
{
	union {
		char bytes[512];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct sock_extended_err *e;

	*errors = (struct socket_errors){ 0 };
	while (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		errors->reports++;
		for (struct cmsghdr *at = CMSG_FIRSTHDR(&msg); at; at = CMSG_NXTHDR(&msg, at)) {
			if (!(at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) &&
			    !(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR))
				continue;
			e = (const void *)CMSG_DATA(at);
			if (e->ee_origin != SO_EE_ORIGIN_LOCAL && shared_is_answer(e->ee_errno))
				errors->unreachable = e->ee_errno;
			errors->mtu |= e->ee_errno == EMSGSIZE;
		}
		msg.msg_controllen = sizeof(control);
	}
}
