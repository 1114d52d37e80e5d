/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "../../../common/log.h"

static const char *last_fault(void)
{
	return ERR_reason_error_string(ERR_peek_last_error()) ?: "the connection was closed";
}

static bool trust(SSL_CTX *tls, const char *ca_file)
{
	return ca_file ? SSL_CTX_load_verify_file(tls, ca_file) : SSL_CTX_set_default_verify_paths(tls);
}

int replay_tls_new(const char *ca_file, bool verify, struct ssl_ctx_st **tls)
{
	static const unsigned char http1[] = "\x08http/1.1";
	SSL_CTX *t = SSL_CTX_new(TLS_client_method());

	if (!t || (verify && !trust(t, ca_file))) {
		log_error("cannot read certificates from \"%s\": %s", ca_file ?: X509_get_default_cert_dir(),
			  ca_file && access(ca_file, R_OK) ? strerror(errno) : last_fault());
		SSL_CTX_free(t);
		return -EINVAL;
	}
	SSL_CTX_set_verify(t, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_min_proto_version(t, TLS1_2_VERSION);
	SSL_CTX_set_options(t, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(t, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_protos(t, http1, sizeof(http1) - 1);
	*tls = t;
	return 0;
}

void replay_tls_free(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}

/* Addresses are no names: they are not announced, and certificates have them elsewhere (RFC 6066 3). */
static bool set_host(SSL *session, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host);
	return SSL_set1_host(session, host) && SSL_set_tlsext_host_name(session, host);
}

struct ssl_st *replay_tls_begin(struct ssl_ctx_st *tls, int fd, const char *host)
{
	SSL *session = SSL_new(tls);

	if (!session)
		return NULL;
	if (!SSL_set_fd(session, fd) || !set_host(session, host)) {
		SSL_free(session);
		return NULL;
	}
	SSL_set_connect_state(session);
	return session;
}

void replay_tls_end(struct ssl_st *session)
{
	if (!session)
		return;
	ERR_clear_error();
	if (!replay_tls_is_new(session))
		SSL_shutdown(session);
	SSL_free(session);
}

/* What a call that returned n <= 0 means. */
static ssize_t result(SSL *session, int n)
{
	switch (SSL_get_error(session, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		n = errno ? -errno : -ECONNRESET;
		break;
	default:
		n = -EPROTO;
	}
	SSL_set_quiet_shutdown(session, 1); /* nothing may be sent any more */
	return n;
}

ssize_t replay_tls_send(struct ssl_st *session, const void *bytes, size_t len)
{
	int n;

	ERR_clear_error();
	errno = 0;
	n = SSL_write(session, bytes, len);
	return n > 0 ? n : result(session, n) ?: -EPIPE;
}

ssize_t replay_tls_receive(struct ssl_st *session, void *bytes, size_t size)
{
	int n;

	ERR_clear_error();
	errno = 0;
	n = SSL_read(session, bytes, size);
	return n > 0 ? n : result(session, n);
}

bool replay_tls_is_new(const struct ssl_st *session)
{
	return !SSL_is_init_finished(session);
}

bool replay_tls_awaits(const struct ssl_st *session)
{
	return SSL_want(session) == SSL_READING;
}

const char *replay_tls_fault(const struct ssl_st *session)
{
	if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return X509_verify_cert_error_string(SSL_get_verify_result(session));
	return last_fault();
}
