/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Names in Initial packets of QUIC. */
#include "../../../common/tests/unit.h"
#include "../name.h"
#include "name_test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bytes.h"
#include "../reassembly.h"
#include "hello.h"
#include "hex.h"
#include "initial.h"

static uint8_t hello[HELLO_MAX], frames[HELLO_MAX], datagram[2 * HELLO_MAX];
static size_t hello_len, frames_len, datagram_len;

FIXTURE(begin)
{
	(void)state;
	name_flow_begin(&flow);
	hello_len = hello_build(&(struct hello){ .name = NAME }, hello);
	frames_len = datagram_len = 0;
	return 0;
}

static void restart(void)
{
	name_flow_end(&flow);
	name_flow_begin(&flow);
	frames_len = datagram_len = 0;
}

static enum name_state send_vector(int direction, enum initial initial)
{
	uint8_t bytes[INITIAL_SIZE];

	assert_int_equal(hex_bytes(initial_hex[initial], bytes), sizeof(bytes));
	return name_flow_udp(&flow, direction, 0, bytes, sizeof(bytes));
}

static void put_frame(const void *bytes, size_t len)
{
	memcpy(frames + frames_len, bytes, len);
	frames_len += len;
}

#define PUT_FRAME(...) put_frame((uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

/* Part of the ClientHello. */
static void put_crypto(size_t from, size_t to)
{
	uint8_t head[9] = { 6 };

	put32(head + 1, from | 0x80000000);
	put32(head + 5, (to - from) | 0x80000000);
	put_frame(head, sizeof(head));
	put_frame(hello + from, to - from);
}

static struct initial_packet packet(void)
{
	return (struct initial_packet){
		.version = QUIC_V1,
		.id = "12345678",
		.id_len = 8,
		.number_size = 1,
		.frames = frames,
		.frames_len = frames_len,
	};
}

/* Adds a packet with the frames so far to the datagram. */
static void seal(const struct initial_packet *p)
{
	datagram_len += initial_seal(p, datagram + datagram_len);
	frames_len = 0;
}

static void seal_frames(void)
{
	struct initial_packet p = packet();

	seal(&p);
}

static enum name_state send_datagram(void)
{
	enum name_state state = name_flow_udp(&flow, CLIENT, 0, datagram, datagram_len);

	datagram_len = 0;
	return state;
}

static enum name_state send_frames(void)
{
	seal_frames();
	return send_datagram();
}

FLOW_TEST(vectors_of_the_rfcs)
{
	send_vector(CLIENT, INITIAL_RFC9001);
	assert_found("example.com");
	restart();
	send_vector(CLIENT, INITIAL_RFC9369);
	assert_found("example.com");
}

FLOW_TEST(other_implementation_in_any_order)
{
	static const struct {
		enum initial first, second;
		const char *name;
	} cases[] = {
		{ INITIAL_V1_1, INITIAL_V1_2, "retry.example.com" },
		{ INITIAL_V1_2, INITIAL_V1_1, "retry.example.com" },
		{ INITIAL_V2_1, INITIAL_V2_2, "v2.example.net" },
		{ INITIAL_V2_2, INITIAL_V2_1, "v2.example.net" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		restart();
		assert_int_equal(send_vector(CLIENT, cases[i].first), NAME_UNDECIDED);
		assert_int_equal(send_vector(CLIENT, cases[i].first), NAME_UNDECIDED);
		send_vector(CLIENT, cases[i].second);
		assert_found(cases[i].name);
	}
}

FLOW_TEST(retry)
{
	assert_int_equal(send_vector(CLIENT, INITIAL_V1_1), NAME_UNDECIDED);
	assert_int_equal(send_vector(CLIENT, INITIAL_RETRIED_1), NAME_UNDECIDED);
	send_vector(CLIENT, INITIAL_RETRIED_2);
	assert_found("retry.example.com");

	/* parts of two ClientHellos are not a whole one */
	restart();
	assert_int_equal(send_vector(CLIENT, INITIAL_V1_1), NAME_UNDECIDED);
	assert_int_equal(send_vector(CLIENT, INITIAL_RETRIED_2), NAME_UNDECIDED);

	/* first seen after it */
	restart();
	assert_int_equal(send_vector(CLIENT, INITIAL_RETRIED_1), NAME_UNDECIDED);
	send_vector(CLIENT, INITIAL_RETRIED_2);
	assert_found("retry.example.com");
}

FLOW_TEST(servers_do_not_matter)
{
	assert_int_equal(send_vector(CLIENT, INITIAL_V1_1), NAME_UNDECIDED);
	assert_int_equal(send_vector(SERVER, INITIAL_V1_2), NAME_UNDECIDED);
	assert_int_equal(name_flow_udp(&flow, SERVER, 0, "x", 1), NAME_UNDECIDED);
	send_vector(CLIENT, INITIAL_V1_2);
	assert_found("retry.example.com");
}

FLOW_TEST(damaged_packets)
{
	uint8_t bytes[INITIAL_SIZE];

	hex_bytes(initial_hex[INITIAL_RFC9001], bytes);
	for (size_t i = 0; i < sizeof(bytes); i += i < 30 ? 1 : 90) {
		restart();
		bytes[i] ^= 0x01;
		assert_int_equal(name_flow_udp(&flow, CLIENT, 0, bytes, sizeof(bytes)), NAME_NONE);
		bytes[i] ^= 0x01;
	}
	for (size_t len = 0; len < sizeof(bytes); len += len < 60 ? 1 : 190) {
		restart();
		assert_int_equal(name_flow_udp(&flow, CLIENT, 0, bytes, len), NAME_NONE);
	}
	/* one after a good one is only lost */
	restart();
	send_vector(CLIENT, INITIAL_V1_1);
	bytes[500] ^= 1;
	assert_int_equal(name_flow_udp(&flow, CLIENT, 0, bytes, sizeof(bytes)), NAME_UNDECIDED);
	send_vector(CLIENT, INITIAL_V1_2);
	assert_found("retry.example.com");
}

FLOW_TEST(gso_packets)
{
	uint8_t both[2 * INITIAL_SIZE];
	size_t len;

	hex_bytes(initial_hex[INITIAL_V2_2], both);
	hex_bytes(initial_hex[INITIAL_V2_1], both + INITIAL_SIZE);
	name_flow_udp(&flow, CLIENT, INITIAL_SIZE, both, sizeof(both));
	assert_found("v2.example.net");

	/* the last datagram is shorter */
	restart();
	put_crypto(0, hello_len);
	seal_frames();
	hex_bytes(initial_hex[INITIAL_V1_1], both);
	memcpy(both + INITIAL_SIZE, datagram, datagram_len);
	len = datagram_len;
	name_flow_udp(&flow, CLIENT, INITIAL_SIZE, both, INITIAL_SIZE + len);
	assert_found(NAME);

	/* what comes after the name does not matter, nor what is cut */
	restart();
	put_crypto(0, hello_len);
	seal_frames();
	memset(datagram + datagram_len, 0, datagram_len);
	name_flow_udp(&flow, CLIENT, datagram_len, datagram, 2 * datagram_len);
	assert_found(NAME);
	restart();
	assert_int_equal(name_flow_udp(&flow, CLIENT, INITIAL_SIZE, both, INITIAL_SIZE + 100), NAME_NONE);

	/* without GSO there is one datagram: what follows with another ID is not read */
	restart();
	assert_int_equal(name_flow_udp(&flow, CLIENT, 0, both, INITIAL_SIZE + len), NAME_UNDECIDED);
}

FLOW_TEST(frames_in_any_order)
{
	PUT_FRAME(1); /* PING */
	put_crypto(60, hello_len);
	PUT_FRAME(0, 0); /* PADDING */
	put_crypto(20, 70);
	PUT_FRAME(2, 0x40, 5, 0, 1, 0, 1, 0); /* ACK, with one more range */
	PUT_FRAME(3, 5, 0, 0, 5, 1, 2, 3); /* with ECN counts */
	for (size_t at = 100; at < 100 + 2 * REASSEMBLY_RANGES; at++)
		put_crypto(at, at); /* empty */
	assert_int_equal(send_frames(), NAME_UNDECIDED);
	put_crypto(0, 20);
	send_frames();
	assert_found(NAME);
}

/* The frames alone, and after a whole ClientHello. */
static void assert_refused(const uint8_t *bytes, size_t len)
{
	restart();
	put_frame(bytes, len);
	assert_int_equal(send_frames(), NAME_NONE);
	restart();
	put_crypto(0, hello_len);
	put_frame(bytes, len);
	assert_int_equal(send_frames(), NAME_NONE);
}

FLOW_TEST(refused_frames)
{
	static const struct {
		uint8_t len, bytes[20];
	} cases[] = {
		{ 4, { 0x1c, 0, 0, 0 } }, /* CONNECTION_CLOSE */
		{ 1, { 0x04 } }, /* RESET_STREAM */
		{ 2, { 0x40, 0x08 } }, /* STREAM */
		{ 1, { 0x1e } }, /* HANDSHAKE_DONE */
		{ 1, { 0x07 } }, /* NEW_TOKEN */
		{ 1, { 0x05 } },
		{ 1, { 0x40 } }, /* a type that is cut */
		{ 3, { 2, 0, 0 } }, /* ACKs that are cut */
		{ 5, { 2, 0, 0, 1, 0 } },
		{ 12, { 2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 } },
		{ 6, { 3, 0, 0, 0, 0, 0 } },
		{ 2, { 6, 0 } }, /* CRYPTOs that are cut */
		{ 4, { 6, 0, 2, 1 } },
		{ 12, { 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0 } },
		{ 7, { 6, 0x80, 1, 0, 0, 1, 1 } }, /* a byte beyond the limit */
		{ 4, { 6, 0, 1, 2 } }, /* ServerHello; another byte than before */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  case %zu\n", i);
		assert_refused(cases[i].bytes, cases[i].len);
	}
}

FLOW_TEST(packets_in_one_datagram)
{
	static const uint8_t zero_rtt[] = "\xd0\0\0\0\1\x08"
					  "12345678\0\x01x"; /* its length is 1 */

	/* Initial, 0-RTT, Initial */
	put_crypto(40, hello_len);
	seal_frames();
	memcpy(datagram + datagram_len, zero_rtt, sizeof(zero_rtt) - 1);
	datagram_len += sizeof(zero_rtt) - 1;
	put_crypto(0, 40);
	seal_frames();
	send_datagram();
	assert_found(NAME);

	/* after the name, nothing matters */
	restart();
	put_crypto(0, hello_len);
	seal_frames();
	PUT_FRAME(0x1c, 0, 0, 0);
	seal_frames();
	send_datagram();
	assert_found(NAME);

	/* 0-RTT may overtake the Initial */
	restart();
	assert_int_equal(name_flow_udp(&flow, CLIENT, 0, zero_rtt, sizeof(zero_rtt) - 1), NAME_UNDECIDED);
	put_crypto(0, hello_len);
	send_frames();
	assert_found(NAME);

	/* padding after packets, which is not a packet */
	restart();
	put_crypto(0, 40);
	seal_frames();
	memset(datagram + datagram_len, 0, 100);
	datagram_len += 100;
	assert_int_equal(send_datagram(), NAME_UNDECIDED);
	put_crypto(40, hello_len);
	send_frames();
	assert_found(NAME);
}

FLOW_TEST(other_id_in_one_datagram)
{
	for (int shorter = 0; shorter < 2; shorter++) {
		struct initial_packet other;

		restart();
		put_crypto(0, 40);
		seal_frames();
		put_crypto(0, hello_len);
		other = packet();
		other.id_len -= shorter;
		other.id[7] += !shorter;
		seal(&other);
		assert_int_equal(send_datagram(), NAME_UNDECIDED);
	}
}

/* With the keys of version 1, and of a packet that is well but for its header. */
FLOW_TEST(refused_headers)
{
	struct initial_packet p;

	put_crypto(0, hello_len);
	p = packet();
	p.version = 0xff00001d;
	seal(&p);
	assert_int_equal(send_datagram(), NAME_NONE);

	restart();
	put_crypto(0, hello_len);
	p = packet();
	p.short_header = true;
	seal(&p);
	assert_int_equal(send_datagram(), NAME_NONE);
}

FLOW_TEST(sizes)
{
	PUT_FRAME(1, 1, 1); /* the least of which there is a sample */
	assert_int_equal(send_frames(), NAME_UNDECIDED);

	/* a jumbogram is not a datagram of QUIC */
	restart();
	put_crypto(0, hello_len);
	memset(frames + frames_len, 0, UINT16_MAX);
	frames_len += UINT16_MAX;
	assert_int_equal(send_frames(), NAME_NONE);
}

/* Once a server has answered, its ID is the destination, but the keys stay. */
FLOW_TEST(server_chooses_the_id)
{
	struct initial_packet p;

	put_crypto(40, hello_len);
	assert_int_equal(send_frames(), NAME_UNDECIDED);
	put_crypto(0, 40);
	p = packet();
	memcpy(p.keys_id, p.id, p.id_len);
	p.keys_id_len = p.id_len;
	memcpy(p.id, "server's", p.id_len);
	seal(&p);
	send_datagram();
	assert_found(NAME);
}

FLOW_TEST(headers)
{
	for (uint8_t size = 1; size <= 4; size++)
		for (uint8_t id_len = 0; id_len <= 20; id_len += 5) {
			struct initial_packet p;

			restart();
			put_crypto(0, hello_len);
			p = packet();
			p.version = size % 2 ? QUIC_V1 : QUIC_V2;
			p.id_len = id_len;
			p.number_size = size;
			p.number = 0x12345678 >> (32 - 8 * size);
			p.token_len = id_len * 12;
			seal(&p);
			send_datagram();
			assert_found(NAME);
		}
}

FLOW_TEST(datagrams_that_are_none)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "", 0 },
		{ "\x40"
		  "1-RTT packet",
		  13 },
		{ "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1", 33 }, /* DNS */
		{ "\xc0\xff\0\0\x1d\x08"
		  "12345678\0\0\0",
		  17 }, /* draft 29 */
		{ "\xc0\0\0\0\0\x08"
		  "12345678\0\0\0\1",
		  18 }, /* Version Negotiation */
		{ "\xf0\0\0\0\1\x08"
		  "12345678\0token and tag of a Retry",
		  38 },
		{ "\xf0\0\0\0\1\x08"
		  "12345678\0\1xyz",
		  19 }, /* of one whose token looks like a length */
		{ "\xc0\x6b\x33\x43\xcf\x08"
		  "12345678\0token and tag of a Retry",
		  38 },
		{ "\xc0\0\0\0\1\x14"
		  "12345678",
		  14 }, /* cut */
		{ "\xc0\0\0\0\1\0\0\0\1x", 10 }, /* too short for a tag */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  case %zu\n", i);
		restart();
		assert_int_equal(name_flow_udp(&flow, CLIENT, 0, cases[i].bytes, cases[i].len), NAME_NONE);
	}
	/* after an Initial, too: the handshake is over */
	restart();
	put_crypto(0, 40);
	assert_int_equal(send_frames(), NAME_UNDECIDED);
	assert_int_equal(name_flow_udp(&flow, CLIENT, 0,
				       "\x40"
				       "1-RTT packet",
				       13),
			 NAME_NONE);
}

FLOW_TEST(endless_hello)
{
	memset(hello, 0, sizeof(hello));
	hello[0] = 1;
	hello[1] = 1; /* 65,536 bytes */
	put_crypto(0, 1000);
	assert_int_equal(send_frames(), NAME_NONE);
	hello[1] = 0;
	hello[2] = hello[3] = 0xff; /* four bytes with its header are too many */
	restart();
	put_crypto(0, 1000);
	assert_int_equal(send_frames(), NAME_NONE);
	hello[3] = 0xfc;
	restart();
	for (size_t at = 0; at < REASSEMBLY_MAX - 1000; at += 1000) {
		put_crypto(at, at + 1000);
		assert_int_equal(send_frames(), NAME_UNDECIDED);
		assert_true(name_reader_bytes(flow.reader) > at);
		assert_true(name_reader_bytes(flow.reader) < REASSEMBLY_MAX + 4096);
	}
}

FLOW_TEST(fragments)
{
	uint8_t udp[8 + INITIAL_SIZE] = { 0 };

	hex_bytes(initial_hex[INITIAL_RFC9001], udp + 8);
	put16(udp + 4, sizeof(udp));
	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_UDP, 100, 0, udp + 800, 100),
			 NAME_UNDECIDED);
	assert_int_equal(name_flow_packet(&flow, CLIENT, IPPROTO_UDP, 0x2000, 0, udp, 800), NAME_NONE);
}

TEST_MAIN(NULL, NULL)
