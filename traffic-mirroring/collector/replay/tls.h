/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * TLS for links, by OpenSSL. A session shakes hands with its first bytes in either direction. The names begin
 * with replay_ because libssl.a has symbols like tls_free() of its own (3.5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ssl_ctx_st; /* of OpenSSL: what all sessions have in common */
struct ssl_st; /* and a session */

#define TLS_MEMORY (32 << 10) /* bytes that a session takes, about */

/*
 * ca_file: NULL for the system's authorities. verify: the target's certificate and its name. 0, or -errno
 * after log_error().
 */
int replay_tls_new(const char *ca_file, bool verify, struct ssl_ctx_st **tls);
void replay_tls_free(struct ssl_ctx_st *tls);

/* host: a name or an address, as the certificate has it. NULL: no memory. */
struct ssl_st *replay_tls_begin(struct ssl_ctx_st *tls, int fd, const char *host);
void replay_tls_end(struct ssl_st *session);

/* As link_send() and link_receive(); -EPROTO: replay_tls_fault() says why. */
ssize_t replay_tls_send(struct ssl_st *session, const void *bytes, size_t len);
ssize_t replay_tls_receive(struct ssl_st *session, void *bytes, size_t size);

/* Whether it shakes hands yet, and then whether it waits for the other end. */
bool replay_tls_is_new(const struct ssl_st *session);
bool replay_tls_awaits(const struct ssl_st *session);

/* Why the last call failed. */
const char *replay_tls_fault(const struct ssl_st *session);
