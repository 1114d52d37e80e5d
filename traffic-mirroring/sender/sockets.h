/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sockets to one collector. Functions return 0 or a negative errno and print nothing. */
#ifndef MIRRORING_SOCKETS_H
#define MIRRORING_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/address.h"
#include "../abi/host.h"

/*
 * A socket that sends as the group says and takes in nothing, with our mark on all it sends; not connected. Needs
 * CAP_NET_ADMIN, for the mark and for a send buffer beyond what others get. Returns the fd.
 */
int socket_open(const struct mirror_group *g, const struct mirror_collector *c);

/* Connects it, or connects it anew where the host's own address is another one now. */
int socket_connect(int fd, const struct mirror_collector *c);

/* From which address the kernel would send to a collector with an address now, and the path's MTU. Needs no privilege. */
int socket_probe(const struct mirror_group *g, const struct mirror_collector *c, struct address *source,
		 uint32_t *mtu);

/* What the network answered to packets of a socket. */
struct socket_errors {
	unsigned int reports;
	int unreachable; /* errno: the collector's host has nobody at that port, or does not answer; 0: neither */
	bool mtu; /* the path's MTU is another one */
};

void socket_read_errors(int fd, struct socket_errors *errors);

#endif
