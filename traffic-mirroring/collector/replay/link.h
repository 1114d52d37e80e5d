/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Connections to one address, plain or with TLS, which never block. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ends.h"

/* Where links lead. */
struct link_target {
	struct sockaddr_storage address;
	socklen_t address_len;
	int events; /* an epoll that gets the links; link_event() takes what it says */
	struct ends *ends;
	struct ssl_ctx_st *tls; /* NULL: none */
	const char *host; /* its name in a certificate */
	bool fault_said; /* of TLS */
};

/* Whether it is this address (as in struct flow_key) and port. */
bool link_is_address(const struct sockaddr_storage *a, uint8_t family, const uint8_t *address, uint16_t port);

struct link {
	struct link_target *target;
	void (*on_event)(void *context, uint32_t events, uint64_t now_ns); /* of epoll */
	void *context;
	int fd; /* -1: closed */
	uint16_t port; /* our end's, while it is open; 0: not known */
	struct ssl_st *tls; /* NULL: none */
	bool sending; /* bytes are to be sent */
	bool connected; /* and with TLS, hands are shaken */
};

/* A closed one. */
void link_init(struct link *link, struct link_target *target,
	       void (*on_event)(void *context, uint32_t events, uint64_t now_ns), void *context);

/* Begins to connect, and waits until bytes may be sent. 0, or -errno silently. */
int link_open(struct link *link, uint64_t now_ns);
void link_close(struct link *link, uint64_t now_ns);
/* The same with a reset in place of a FIN. It discards what the other end has not acknowledged. */
void link_reset(struct link *link, uint64_t now_ns);

/* Bytes that each link takes beside struct link, about. */
size_t link_memory(const struct link_target *target);

/* Whether to wait until bytes may be sent. Bytes that come are always awaited. */
void link_watch(struct link *link, bool writable);

/* What epoll says (its data.ptr is the link). */
void link_event(struct link *link, uint32_t events, uint64_t now_ns);

/* The number of bytes; -EAGAIN: none now, or another negative errno. For link_receive(), 0: the end. */
ssize_t link_send(struct link *link, const void *bytes, size_t len);
ssize_t link_receive(struct link *link, void *bytes, size_t size);

/* Sends a FIN; receiving goes on. */
void link_shutdown(struct link *link);

/* Whether bytes, or the FIN, have not been acknowledged yet. */
bool link_unacknowledged(const struct link *link);
