/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Requests to https targets of this process: which certificates are accepted, and that nobody is awaited. */
#include "../../../../common/tests/loopback.h"
#include "../../../../common/tests/unit.h"
#include "../target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../../../../common/clock.h"
#include "../../../../common/log.h"
#include "../../counters/tally.h"
#include "../tls.h"

#define MAX_AGE (30 * SECOND_NS)
#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static char ca_file[] = "/tmp/test_tls.XXXXXX";
static SSL_CTX *server; /* for the name "replay.test" and the address 127.0.0.1 */
static int events, listener, connection;
static SSL *session; /* the server's */
static struct ends *ends;
static struct ssl_ctx_st *tls;
static struct target *target;
static uint64_t now_ns;

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:replay.test,IP:127.0.0.1");

	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_add_ext(certificate, names, -1);
	assert_true(X509_sign(certificate, key, EVP_sha256()));
	X509_EXTENSION_free(names);
	return certificate;
}

/* Its certificate is its own authority, in ca_file. */
FIXTURE(make_server)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = make_certificate(key);
	FILE *file = fdopen(mkstemp(ca_file), "w");

	PEM_write_X509(file, certificate);
	fclose(file);
	server = SSL_CTX_new(TLS_server_method());
	assert_true(SSL_CTX_use_certificate(server, certificate) && SSL_CTX_use_PrivateKey(server, key));
	X509_free(certificate);
	EVP_PKEY_free(key);
	return 0;
}

FIXTURE(remove_server)
{
	SSL_CTX_free(server);
	return unlink(ca_file);
}

static void begin(const char *host, const char *authorities, bool verify)
{
	struct target_options options = { .link.host = host, .memory = 1 << 20, .max_age_ns = MAX_AGE };

	listener = loopback_socket(&options.link.address, &options.link.address_len);
	assert_false(listen(listener, 8));
	options.link.events = events = epoll_create1(0);
	options.link.ends = ends = ends_new();
	assert_false(replay_tls_new(authorities, verify, &tls));
	options.link.tls = tls;
	target = target_new(&options);
	connection = -1;
	session = NULL;
	now_ns = 1000 * SECOND_NS;
}

static void end(void)
{
	target_free(target);
	replay_tls_free(tls);
	ends_free(ends);
	SSL_free(session);
	close(connection);
	close(events);
	close(listener);
}

static void request(void)
{
	const struct http_request get = { .bytes = (const uint8_t *)GET,
					  .len = strlen(GET),
					  .method = HTTP_GET };
	const struct rewrite as_it_is = { 0 };

	target_send(target_connect(target), &get, &as_it_is, 4096, now_ns);
}

static void take_connection(void)
{
	connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	if (connection < 0)
		return;
	session = SSL_new(server);
	SSL_set_fd(session, connection);
	SSL_set_accept_state(session);
}

static void serve(void)
{
	char bytes[256];

	if (!session)
		take_connection();
	if (session && SSL_read(session, bytes, sizeof(bytes)) == strlen(GET)) {
		assert_memory_equal(bytes, GET, strlen(GET));
		SSL_write(session, ANSWER, strlen(ANSWER));
	}
}

/* Lets both sides work until nothing happens any more. */
static void work(void (*other_side)(void))
{
	struct epoll_event event;
	int turn;

	for (turn = 0; turn < 100 && epoll_wait(events, &event, 1, 50) == 1; turn++) {
		link_event(event.data.ptr, event.events, now_ns);
		if (other_side)
			other_side();
	}
	assert_true(turn < 100); /* it does not spin */
}

TEST(certificates_are_verified)
{
	static const struct {
		const char *host;
		bool own_authority, verify, accepted;
	} rows[] = {
		{ "replay.test", true, true, true },   { "127.0.0.1", true, true, true },
		{ "other.test", true, true, false },   { "127.0.0.2", true, true, false },
		{ "replay.test", false, true, false }, { "other.test", false, false, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t answers = tally_sum(TALLY_RESPONSES), unsent = tally_sum(TALLY_REQUESTS_UNSENT),
			 failed = tally_sum(TALLY_TLS_FAILED);
		bool name = rows[i].host[0] > '9';

		begin(rows[i].host, rows[i].own_authority ? ca_file : NULL, rows[i].verify);
		request();
		work(serve);
		assert_int_equal(tally_sum(TALLY_RESPONSES) - answers, rows[i].accepted);
		assert_int_equal(tally_sum(TALLY_REQUESTS_UNSENT) - unsent, !rows[i].accepted);
		assert_int_equal(tally_sum(TALLY_TLS_FAILED) - failed, !rows[i].accepted);
		/* the server learns the name, with which it chooses the certificate */
		assert_string_equal(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name) ?: "",
				    name ? rows[i].host : "");
		end();
	}
}

TEST(a_silent_server_is_given_up)
{
	uint64_t aged = tally_sum(TALLY_REQUESTS_AGED) + tally_sum(TALLY_REQUESTS_UNSENT);

	begin("replay.test", ca_file, true);
	request();
	work(NULL);
	assert_true(target_busy(target));
	target_expire(target, now_ns + MAX_AGE);
	assert_false(target_busy(target));
	assert_int_equal(tally_sum(TALLY_REQUESTS_AGED) + tally_sum(TALLY_REQUESTS_UNSENT) - aged, 1);
	end();
}

static void say_hello(void)
{
	if (connection >= 0)
		return;
	connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_int_equal(write(connection, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
}

TEST(a_server_without_tls_gets_no_request)
{
	uint64_t failed = tally_sum(TALLY_TLS_FAILED);

	begin("replay.test", ca_file, true);
	request();
	work(say_hello);
	assert_int_equal(tally_sum(TALLY_TLS_FAILED) - failed, 1);
	assert_false(target_busy(target));
	end();
}

int main(void)
{
	log_init("", LEVEL_ERROR, NULL);
	signal(SIGPIPE, SIG_IGN);
	return unit_run(make_server, remove_server);
}
