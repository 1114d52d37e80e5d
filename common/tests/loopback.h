/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include <sys/socket.h>

/* A set-up: moves the test into a network namespace of its own, with a loopback device. */
int loopback(void **state);

/* A TCP socket, non-blocking, bound to a free port of 127.0.0.1 at which it does not listen yet. */
int loopback_socket(struct sockaddr_storage *address, socklen_t *len);
