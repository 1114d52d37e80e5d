/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Names in TLS over TCP, and what is common to all of TCP. */
#include "../../../common/tests/unit.h"
#include "../name.h"
#include "name_test.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes.h"
#include "../reassembly.h"
#include "hello.h"

#define RECORD_HEADER 5

static uint8_t message[HELLO_MAX], stream[HELLO_MAX];

/* The stream of a client. Returns its length. */
static size_t build(const struct hello *h)
{
	return hello_records(message, hello_build(h, message), 1 << 14, stream);
}

static size_t build_name(const char *name)
{
	return build(&(struct hello){ .name = name });
}

FIXTURE(begin)
{
	(void)state;
	name_flow_begin(&flow);
	return 0;
}

static void restart(void)
{
	name_flow_end(&flow);
	name_flow_begin(&flow);
}

/* A flow that begins with its SYN. */
static void reopen(void)
{
	restart();
	name_flow_open(&flow);
}

static enum name_state send_range(size_t from, size_t to)
{
	return name_flow_send(&flow, from, stream + from, to - from);
}

/* All of a stream in one segment of a new flow. */
static enum name_state read_whole(size_t len)
{
	reopen();
	return send_range(0, len);
}

TEST(domain_names)
{
	static const char label[] =
		"a23456789012345678901234567890123456789012345678901234567890123"; /* 63 */
	static const struct {
		const char *text, *name; /* NULL: none */
	} cases[] = {
		{ "www.example.com", "www.example.com" },
		{ "WWW.Example.COM", "www.example.com" },
		{ "AZaz09-_.b", "azaz09-_.b" },
		{ "example.com.", "example.com" },
		{ "localhost", "localhost" },
		{ "1.example", "1.example" },
		{ "192.0.2.1a", "192.0.2.1a" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ label, label },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "a..b", NULL },
		{ ".a", NULL },
		{ "a..", NULL },
		{ "192.0.2.1", NULL },
		{ "127.1", NULL },
		{ "1", NULL },
		{ "a b", NULL },
		{ "a:80", NULL },
		{ "a/b", NULL },
		{ "a@b", NULL },
		{ "a[b", NULL },
		{ "a`b", NULL },
		{ "a{b", NULL },
		{ "*.example.com", NULL },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "2001:db8::1", NULL },
		{ "a23456789012345678901234567890123456789012345678901234567890123b.c", NULL },
	};
	char name[NAME_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = cases[i].text;

		print_message("  \"%s\"\n", text);
		assert_int_equal(domain_name((const uint8_t *)text, strlen(text), name), !!cases[i].name);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
	}
	assert_false(domain_name((const uint8_t *)"a\0b", 3, name));
}

TEST(length_of_domain_names)
{
	char text[300], name[NAME_SIZE];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '.' : 'a';
	assert_true(domain_name((const uint8_t *)text, 253, name));
	assert_int_equal(strlen(name), 253);
	assert_true(domain_name((const uint8_t *)text, 254, name)); /* the last one is a dot */
	assert_int_equal(strlen(name), 253);
	assert_false(domain_name((const uint8_t *)text, 255, name));
	text[253] = 'a';
	assert_false(domain_name((const uint8_t *)text, 254, name));
}

FLOW_TEST(hello_in_one_segment)
{
	size_t len = build_name("WWW.example.com.");

	name_flow_open(&flow);
	assert_int_equal(send_range(0, len), NAME_FOUND);
	assert_found(NAME);
}

FLOW_TEST(hello_of_openssl)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	BIO *sent = BIO_new(BIO_s_mem());
	int len;

	SSL_set_tlsext_host_name(ssl, NAME);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);
	SSL_connect(ssl);
	len = BIO_read(sent, stream, sizeof(stream));
	assert_true(len > 100);
	read_whole(len);
	assert_found(NAME);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

static size_t back(size_t at, size_t by)
{
	return at < by ? 0 : at - by;
}

/* Three pieces in every order; each begins `overlap` bytes before the end of its predecessor. */
static void send_in_all_orders(size_t a, size_t b, size_t len, size_t overlap)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	size_t from[] = { 0, back(a, overlap), back(b, overlap) }, to[] = { a, b, len };

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		reopen();
		for (int j = 0; j < 3 && flow.state != NAME_FOUND; j++) {
			int piece = orders[i][j];

			assert_true(overlap || flow.state == NAME_UNDECIDED);
			send_range(from[piece], to[piece]);
		}
		assert_found("a.b");
	}
}

FLOW_TEST(three_pieces_at_every_place)
{
	size_t len = build_name("a.b");

	for (size_t a = 1; a < len - 1; a++)
		for (size_t b = a + 1; b < len; b++) {
			send_in_all_orders(a, b, len, 0);
			send_in_all_orders(a, b, len, 1 + b % 3);
		}
}

FLOW_TEST(retransmissions)
{
	size_t len = build_name(NAME), half = len / 2;

	name_flow_open(&flow);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_range(half, len - 1), NAME_UNDECIDED);
		assert_int_equal(send_range(half + 5, half + 10), NAME_UNDECIDED);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(send_range(0, half), NAME_UNDECIDED);
	send_range(0, len);
	assert_found(NAME);
}

FLOW_TEST(contradicting_pieces)
{
	size_t len = build_name(NAME), half = len / 2;

	for (size_t at = half; at < len - 1; at += 7) {
		reopen();
		send_range(half, len - 1);
		stream[at] ^= 1;
		assert_int_equal(send_range(0, at), NAME_UNDECIDED);
		assert_int_equal(send_range(at, at + 1), NAME_NONE);
		stream[at] ^= 1;
	}
}

FLOW_TEST(hello_in_records_of_every_size)
{
	size_t len = hello_build(&(struct hello){ .name = NAME }, message);

	for (size_t size = 1; size <= len; size++) {
		size_t all = hello_records(message, len, size, stream);

		read_whole(all);
		assert_found(NAME);
		reopen();
		for (size_t i = 0; i < all; i++)
			assert_int_equal(flow.state, i ? send_range(i - 1, i) : NAME_UNDECIDED);
		send_range(all - 1, all);
		assert_found(NAME);
	}
}

FLOW_TEST(what_follows_the_hello_does_not_matter)
{
	static const uint8_t early_data[] = { 23, 3, 3, 0xff, 0xff };
	size_t len = build_name(NAME);

	memcpy(stream + len, early_data, sizeof(early_data));
	read_whole(len + sizeof(early_data));
	assert_found(NAME);

	/* another message */
	len = hello_build(&(struct hello){ .name = NAME }, message);
	read_whole(hello_records(message, len + 10, 1 << 14, stream));
	assert_found(NAME);
}

FLOW_TEST(long_hello)
{
	static const struct {
		size_t padding;
		enum name_state state;
	} cases[] = {
		{ 1800, NAME_FOUND }, { 16000, NAME_FOUND }, { 60000, NAME_FOUND }, { 65530, NAME_NONE }
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = build(&(struct hello){ .name = NAME, .padding = cases[i].padding });

		reopen();
		for (size_t at = 0; at < len && flow.state == NAME_UNDECIDED; at += 1448)
			send_range(at, at + 1448 < len ? at + 1448 : len);
		assert_int_equal(flow.state, cases[i].state);
		assert_true(name_reader_bytes(flow.reader) < 2 * REASSEMBLY_MAX + 8192);
	}
}

FLOW_TEST(long_hello_backwards)
{
	size_t len = build(&(struct hello){ .name = NAME, .padding = 6000 }), at = len - len % 1448;

	name_flow_open(&flow);
	for (; at; at -= 1448)
		assert_int_equal(send_range(at, at + 1448 < len ? at + 1448 : len), NAME_UNDECIDED);
	assert_true(name_reader_bytes(flow.reader) > 6000);
	send_range(0, 1447);
	assert_int_equal(flow.state, NAME_UNDECIDED);
	send_range(1447, 1448);
	assert_found(NAME);
	assert_true(name_reader_bytes(flow.reader) > 2 * 6000); /* as a stream, and without records */
}

FLOW_TEST(limits)
{
	size_t len = build_name(NAME);
	uint8_t byte = 0;

	name_flow_open(&flow);
	for (size_t i = 0; i < REASSEMBLY_RANGES; i++)
		assert_int_equal(name_flow_send(&flow, 1000 + 2 * i, &byte, 1), NAME_UNDECIDED);
	assert_int_equal(name_flow_send(&flow, 1001, &byte, 1), NAME_UNDECIDED); /* joins two */
	assert_int_equal(name_flow_send(&flow, 900, &byte, 1), NAME_UNDECIDED);
	assert_int_equal(name_flow_send(&flow, 800, &byte, 1), NAME_NONE);

	reopen();
	assert_int_equal(name_flow_send(&flow, REASSEMBLY_MAX - 1, &byte, 1), NAME_UNDECIDED);
	assert_true(name_reader_bytes(flow.reader) > REASSEMBLY_MAX);
	send_range(0, len);
	assert_found(NAME);
	reopen();
	assert_int_equal(name_flow_send(&flow, REASSEMBLY_MAX, &byte, 1), NAME_NONE);
	reopen();
	assert_int_equal(name_flow_send(&flow, REASSEMBLY_MAX - 1, "ab", 2), NAME_NONE);
	reopen();
	assert_int_equal(name_flow_send(&flow, REASSEMBLY_MAX + 9, &byte, 1), NAME_NONE);
}

FLOW_TEST(names_that_are_none)
{
	const struct hello cases[] = {
		{ .name = NULL },
		{ .name = "" },
		{ .name = "192.0.2.1" },
		{ .name = "a b" },
		{ .name = NAME, .name_type = 1 },
		{ .name = NAME, .second_name = NAME },
		{ .name = NAME, .second_name = "other.example" },
		{ .name = NAME, .repeated = "other.example" },
		{ .name = NAME, .repeated = NAME },
		{ .name = NAME, .after_list = true },
		{ .name = NAME, .broken_extension = true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  case %zu\n", i);
		assert_int_equal(read_whole(build(&cases[i])), NAME_NONE);
	}
}

/* A hello without its last bytes, in a message that ends with them. */
FLOW_TEST(truncated_hellos)
{
	size_t len = hello_build(&(struct hello){ .name = NAME }, message);

	for (size_t i = 4; i < len; i++) {
		put32(message, (i - 4) | 1 << 24);
		assert_int_equal(read_whole(hello_records(message, i, 1 << 14, stream)), NAME_NONE);
	}
	put32(message, (len - 3) | 1 << 24); /* a byte too many */
	assert_int_equal(read_whole(hello_records(message, len + 1, 1 << 14, stream)), NAME_NONE);
}

/* Every length is one more or less than what it counts. */
FLOW_TEST(wrong_lengths)
{
	static const size_t at[] = { 38, 44, 49, 52, 56, 63, 65, 68 }; /* of the last bytes of lengths */
	size_t len = hello_build(&(struct hello){ .name = "a.b" }, message);

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		for (int by = -1; by <= 1; by += 2) {
			print_message("  byte %zu %+d\n", at[i], by);
			message[at[i]] += by;
			assert_int_equal(read_whole(hello_records(message, len, 1 << 14, stream)), NAME_NONE);
			message[at[i]] -= by;
		}
	read_whole(hello_records(message, len, 1 << 14, stream));
	assert_found("a.b");
}

FLOW_TEST(streams_that_are_none)
{
	static const struct {
		size_t at; /* in the stream */
		uint8_t value;
		size_t len; /* by which it is clear */
	} cases[] = {
		{ 0, 21, 1000 }, /* an alert */
		{ 0, 0x80, 1 }, /* SSL 2 */
		{ 1, 2, 5 }, /* version */
		{ 3, 0x40, 5 }, /* record of more than 2^14 bytes, with the length below */
		{ 5, 2, 6 }, /* ServerHello */
		{ 6, 1, 9 }, /* message of more than 64 KiB */
		{ 9, 2, 1000 }, /* version of the hello */
	};
	static const uint8_t empty_record[] = { 22, 3, 1, 0, 0 };
	size_t len;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  case %zu\n", i);
		len = build_name(NAME);
		stream[cases[i].at] = cases[i].value;
		assert_int_equal(read_whole(cases[i].len < len ? cases[i].len : len), NAME_NONE);
	}
	memcpy(stream, empty_record, sizeof(empty_record));
	assert_int_equal(read_whole(sizeof(empty_record)), NAME_NONE);
}

FLOW_TEST(other_record_inside_the_hello)
{
	size_t len = hello_build(&(struct hello){ .name = NAME }, message);
	size_t all = hello_records(message, len, 50, stream);

	stream[RECORD_HEADER + 50] = 20; /* ChangeCipherSpec */
	assert_int_equal(read_whole(all), NAME_NONE);
}

FLOW_TEST(endless_hello)
{
	uint8_t records[3000];

	memset(message, 0, sizeof(message));
	message[0] = 1;
	message[2] = 0xff; /* 65,280 bytes */
	hello_records(message, sizeof(records) / 6, 1, records);
	name_flow_open(&flow);
	name_flow_send(&flow, 0, records, sizeof(records));
	memset(message, 0, 4);
	hello_records(message, sizeof(records) / 6, 1, records);
	for (size_t at = sizeof(records); flow.state == NAME_UNDECIDED; at += sizeof(records)) {
		assert_true(at < 2 * REASSEMBLY_MAX);
		name_flow_send(&flow, at, records, sizeof(records));
		assert_true(name_reader_bytes(flow.reader) < 2 * REASSEMBLY_MAX + 8192);
	}
	assert_int_equal(flow.state, NAME_NONE);
}

FLOW_TEST(syn_with_data)
{
	size_t len = build_name(NAME);

	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_SYN, 0, stream, 20), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_SYN | TH_ACK, 0, NULL, 0), NAME_UNDECIDED);
	send_range(20, len);
	assert_found(NAME);
}

FLOW_TEST(syns)
{
	size_t len = build_name(NAME);

	/* repeated, after data */
	name_flow_open(&flow);
	send_range(10, len);
	name_flow_tcp(&flow, CLIENT, TH_SYN, 0, NULL, 0);
	name_flow_tcp(&flow, SERVER, TH_SYN | TH_ACK, 0, NULL, 0);
	send_range(0, 10);
	assert_found(NAME);

	/* of a new connection */
	reopen();
	name_flow_send(&flow, 0, "x", 1);
	name_flow_tcp(&flow, CLIENT, TH_SYN, 5000, NULL, 0);
	name_flow_tcp(&flow, CLIENT, TH_ACK, 5001, stream, len);
	assert_found(NAME);

	/* of a new connection from the other end */
	reopen();
	name_flow_send(&flow, 0, "x", 1);
	name_flow_tcp(&flow, SERVER, TH_SYN, 0, NULL, 0);
	name_flow_tcp(&flow, SERVER, TH_ACK, 1, stream, len);
	assert_found(NAME);

	/* the server's alone: the client's bytes may come in any order */
	restart();
	name_flow_tcp(&flow, SERVER, TH_SYN | TH_ACK, 0, NULL, 0);
	assert_int_equal(send_range(10, len), NAME_UNDECIDED);
	send_range(0, 10);
	assert_found(NAME);
}

FLOW_TEST(probes)
{
	size_t len = build_name(NAME);

	name_flow_open(&flow);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, 0, "x", 1), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, 1, NULL, 0), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, -200, "x", 1), NAME_UNDECIDED);
	memmove(stream + 1, stream, len);
	name_flow_tcp(&flow, CLIENT, TH_ACK, 0, stream, len + 1);
	assert_found(NAME);
}

FLOW_TEST(urgent_data)
{
	name_flow_open(&flow);
	build_name(NAME);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK | TH_URG, 1, NULL, 0), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK | TH_URG, 1, stream, 10), NAME_NONE);
}

FLOW_TEST(servers_that_speak_first)
{
	size_t len = build_name(NAME);

	name_flow_open(&flow);
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_ACK, 1, NULL, 0), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_ACK, 1, "220 smtp", 8), NAME_NONE);

	reopen();
	send_range(10, 20);
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_ACK, 1, "x", 1), NAME_UNDECIDED);
	send_range(0, len);
	assert_found(NAME);
}

FLOW_TEST(first_seen_in_the_middle)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: " NAME "\r\n\r\n";
	size_t len = build_name(NAME);

	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, 100, NULL, 0), NAME_UNDECIDED);
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, 100, stream + 1, len - 1), NAME_MIDDLE);
	for (int direction = CLIENT; direction <= SERVER; direction++) {
		restart();
		assert_int_equal(name_flow_tcp(&flow, direction, TH_ACK, 100, stream, 6), NAME_UNDECIDED);
		assert_int_equal(name_flow_tcp(&flow, !direction, TH_ACK, 1, "x", 1), NAME_UNDECIDED);
		name_flow_tcp(&flow, direction, TH_ACK, 106, stream + 6, len - 6);
		assert_found(NAME);
		restart();
		assert_int_equal(name_flow_tcp(&flow, direction, TH_ACK, 100, request, 10), NAME_UNDECIDED);
		name_flow_tcp(&flow, direction, TH_ACK, 110, request + 10, strlen(request) - 10);
		assert_found(NAME);
	}
	restart();
	assert_int_equal(name_flow_tcp(&flow, CLIENT, TH_ACK, 100, stream, 5), NAME_MIDDLE);
	stream[5] = 2; /* ServerHello */
	restart();
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_ACK, 100, stream, len), NAME_MIDDLE);
	restart();
	assert_int_equal(name_flow_tcp(&flow, SERVER, TH_ACK, 1, "HTTP/1.1 200 OK\r\n", 17), NAME_MIDDLE);
}

FLOW_TEST(gso_packet_of_big_tcp)
{
	size_t len = build_name(NAME), half = len / 2;
	uint8_t *big = calloc(1, 100000);

	memcpy(big, stream, len);
	name_flow_open(&flow);
	assert_int_equal(name_flow_send(&flow, 0, big, 100000), NAME_NONE); /* more than is held */
	reopen();
	send_range(half, len);
	name_flow_send(&flow, 0, big, 60000);
	free(big);
	assert_int_equal(flow.state, NAME_FOUND);
}

FLOW_TEST(padded_and_truncated_packets)
{
	size_t len = build_name(NAME), half = len / 2;

	name_flow_open(&flow);
	flow.padding = 6;
	assert_int_equal(send_range(0, half), NAME_UNDECIDED);
	flow.truncated = 16; /* beyond the padding */
	assert_int_equal(send_range(half, len), NAME_UNDECIDED);
	flow.truncated = 6;
	send_range(half, len);
	assert_found(NAME);
}

FLOW_TEST(other_protocols)
{
	uint8_t l4[40] = { 3 };

	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_SCTP, 0, 0, l4, sizeof(l4)), NAME_NONE);
	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_GRE, 0, 0, l4, sizeof(l4)), NAME_NONE);
	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_ICMP, 0, 0, l4, sizeof(l4)), NAME_UNDECIDED);
}

/* Of a segment, only what the first fragment has is known to be at its place. */
FLOW_TEST(fragments)
{
	size_t len = build_name(NAME), half = len / 2 / 8 * 8;
	uint8_t *tcp = calloc(1, 20 + len);

	put32(tcp + 4, CLIENT_ISN + 1);
	tcp[12] = 5 << 4;
	tcp[13] = TH_ACK;
	memcpy(tcp + 20, stream, len);
	name_flow_open(&flow);
	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_TCP, 0x2000, 0, tcp, 20 + half),
			 NAME_UNDECIDED);
	assert_int_equal(
		name_flow_packet(&flow, CLIENT, IPPROTO_TCP, (20 + half) / 8, 0, tcp + 20 + half, len - half),
		NAME_UNDECIDED);
	free(tcp);
	send_range(half, len);
	assert_found(NAME);
}

TEST_MAIN(NULL, NULL)
