/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Sockets to one collector. Functions return 0 or a negative errno and print nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../../common/address.h"
#include "../abi/host.h"

/*
 * An unconnected socket with the group's settings that receives nothing and sets our mark on all it sends.
 * Needs CAP_NET_ADMIN, for the mark and for a send buffer beyond the system's limit. Returns the fd.
 */
int socket_open(const struct mirror_group *g, const struct mirror_collector *c);

/* Connects it, or reconnects it after the host's own address has changed. */
int socket_connect(int fd, const struct mirror_collector *c);

/* The address from which the kernel would now send to a collector, and the path MTU. Needs no privilege. */
int socket_probe(const struct mirror_group *g, const struct mirror_collector *c, struct address *source,
		 uint32_t *mtu);

/* Errors that the network reported for packets of a socket. */
struct socket_errors {
	unsigned int reports;
	int unreachable; /* errno: port unreachable, or the host does not reply; 0: neither */
	bool mtu; /* the path MTU has changed */
};

void socket_read_errors(int fd, struct socket_errors *errors);
