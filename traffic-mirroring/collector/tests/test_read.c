/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Capture files as libpcap writes them, and what listeners would have received of their packets. */
#include "../../../common/tests/unit.h"
#include "../read.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../common/clock.h"
#include "../../wire/tests/hex.h"
#include "../packets.h"

#define MACS "020000000002020000000001"
#define IP4 "4500001c 00000000 40110000 0a000001 0a000002 00350036 00080000"
#define IP6                                                                                              \
	"60000000 0008 1140 20010db8000000000000000000000001 20010db8000000000000000000000002 00350036 " \
	"00080000"
#define ARP "0001 0800 0604 0001 020000000001 0a000001 000000000000 0a000002"
#define NO_MACS "000000000000000000000000"
#define SLL(type) "0000 0001 0006 020000000001 0000" type
#define SLL2(type) type "0000 00000001 0001 00 06 0200000000010000"

static char path[] = "/tmp/test_read-XXXXXX";

FIXTURE(make_file)
{
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

FIXTURE(remove_file)
{
	return unlink(path);
}

/* A file with one packet, of which `cut` bytes were not captured. */
static void write_file(int link_type, const char *hex, uint32_t cut)
{
	pcap_t *dead = pcap_open_dead_with_tstamp_precision(link_type, 65535, PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *to = pcap_dump_open(dead, path);
	uint8_t bytes[256];
	uint32_t len = hex_bytes(hex, bytes);
	const struct pcap_pkthdr header = { { 1700000000, 123456789 }, len - cut, len };

	assert_non_null(to);
	pcap_dump((u_char *)to, &header, bytes);
	pcap_dump_close(to);
	pcap_close(dead);
}

TEST(link_types)
{
	static const struct {
		const char *name;
		int link_type;
		const char *hex, *frame;
	} cases[] = {
		{ "Ethernet", DLT_EN10MB, MACS "0800" IP4, MACS "0800" IP4 },
		{ "Ethernet, not IP", DLT_EN10MB, MACS "0806" ARP, MACS "0806" ARP },
		{ "raw IPv4", DLT_RAW, IP4, NO_MACS "0800" IP4 },
		{ "raw IPv6", DLT_RAW, IP6, NO_MACS "86dd" IP6 },
		{ "IPv4", DLT_IPV4, IP4, NO_MACS "0800" IP4 },
		{ "IPv6", DLT_IPV6, IP6, NO_MACS "86dd" IP6 },
		{ "BSD loopback", DLT_NULL, "02000000" IP4, NO_MACS "0800" IP4 },
		{ "OpenBSD loopback", DLT_LOOP, "00000018" IP6, NO_MACS "86dd" IP6 },
		{ "Linux cooked", DLT_LINUX_SLL, SLL("0800") IP4, NO_MACS "0800" IP4 },
		{ "Linux cooked, IPv6", DLT_LINUX_SLL, SLL("86dd") IP6, NO_MACS "86dd" IP6 },
		{ "Linux cooked, not IP", DLT_LINUX_SLL, SLL("0806") ARP, NO_MACS "0806" ARP },
		{ "Linux cooked 2", DLT_LINUX_SLL2, SLL2("0800") IP4, NO_MACS "0800" IP4 },
		{ "Linux cooked, a VLAN", DLT_LINUX_SLL, SLL("8100") "0063 0800" IP4,
		  NO_MACS "8100 0063 0800" IP4 },
		{ "shorter than its header", DLT_LINUX_SLL, "0000 0001", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct packets *packets = NULL;
		uint8_t frame[256];
		struct datagram d;

		print_message("  %s\n", cases[i].name);
		write_file(cases[i].link_type, cases[i].hex, 0);
		assert_int_equal(packets_open_file(path, &packets), 0);
		assert_int_equal(packets_next(packets, &d), PACKETS_ONE);
		assert_int_equal(d.len, hex_bytes(cases[i].frame, frame));
		assert_memory_equal(d.at, frame, d.len);
		assert_true(d.format == FORMAT_DEV && !d.source.family);
		assert_true(d.time_ns == 1700000000 * SECOND_NS + 123456789);
		if (d.len)
			assert_int_equal(d.wire_len, d.len);
		assert_int_equal(packets_next(packets, &d), PACKETS_END);
		packets_close(packets);
	}
}

TEST(truncated_packets)
{
	struct packets *packets = NULL;
	struct datagram d;

	write_file(DLT_RAW, IP4, 5);
	assert_int_equal(packets_open_file(path, &packets), 0);
	assert_int_equal(packets_next(packets, &d), PACKETS_ONE);
	assert_int_equal(d.len, 14 + 28 - 5);
	assert_int_equal(d.wire_len, 14 + 28);
	packets_close(packets);
}

TEST(bad_files)
{
	struct packets *packets = NULL;
	struct datagram d;

	write_file(DLT_IEEE802_11, "00", 0);
	assert_true(packets_open_file(path, &packets) < 0);
	assert_true(packets_open_file("/nowhere/x", &packets) < 0);
	write_file(DLT_RAW, IP4, 0);
	assert_int_equal(truncate(path, 24 + 16 + 3), 0);
	assert_int_equal(packets_open_file(path, &packets), 0);
	assert_int_equal(packets_next(packets, &d), PACKETS_FAILED);
	packets_close(packets);
	assert_int_equal(truncate(path, 3), 0);
	assert_true(packets_open_file(path, &packets) < 0);
}

/* IPv4 and UDP around a tunnel's len bytes, as hex of the lengths */
#define UDP4(total, port, udp) \
	MACS "0800 4500" total " 00000000 40110000 c0000201 c0000202 d431" port udp "0000 "
#define GRE4(total) MACS "0800 4500" total " 00000000 402f0000 c0000201 c0000202 "
#define UDP6                                                                                              \
	MACS "86dd 60000000 0010 1140 20010db8000000000000000000000001 20010db8000000000000000000000002 " \
	     "d43112b500100000 "
#define BODY "0800000000002a00 "

TEST(listeners)
{
	static const struct {
		const char *name, *listen, *hex;
		uint32_t cut;
		const char *datagram; /* NULL: nothing */
		const char *source;
		uint32_t wire_len;
	} cases[] = {
		{ "UDP", "vxlan", UDP4("0024", "12b5", "0010") BODY, 0, BODY, "192.0.2.1", 8 },
		{ "UDP, cut", "vxlan", UDP4("0024", "12b5", "0010") BODY, 3, "0800000000", "192.0.2.1", 8 },
		{ "UDP, padded", "vxlan", UDP4("0024", "12b5", "0010") BODY "0000", 0, BODY, "192.0.2.1", 8 },
		{ "UDP over IPv6", "vxlan", UDP6 BODY, 0, BODY, "2001:db8::1", 8 },
		{ "another port", "vxlan:4790", UDP4("0024", "12b5", "0010") BODY, .cut = 0 },
		{ "its address", "vxlan:192.0.2.2", UDP4("0024", "12b5", "0010") BODY, 0, BODY, "192.0.2.1",
		  8 },
		{ "another address", "vxlan:192.0.2.1", UDP4("0024", "12b5", "0010") BODY, .cut = 0 },
		{ "another family", "vxlan:[2001:db8::2]", UDP4("0024", "12b5", "0010") BODY, .cut = 0 },
		{ "its IPv6 address", "vxlan:[2001:db8::2]", UDP6 BODY, 0, BODY, "2001:db8::1", 8 },
		{ "a fragment", "vxlan",
		  MACS "0800 45000024 00002000 40110000 c0000201 c0000202 d43112b5 00100000" BODY, .cut = 0 },
		{ "GRE", "gre", GRE4("001c") "00000800 00000000", 0, "00000800 00000000", "192.0.2.1", 8 },
		{ "ERSPAN is not for gre", "gre", GRE4("001c") "100088be 00000000", .cut = 0 },
		{ "ERSPAN", "erspan", GRE4("001c") "100088be 00000000", 0, "100088be 00000000", "192.0.2.1",
		  8 },
		{ "GRE is not for erspan", "erspan", GRE4("001c") "00000800 00000000", .cut = 0 },
		{ "UDP is not GRE", "gre", UDP4("0024", "12b5", "0010") BODY, .cut = 0 },
		{ "GRE, cut", "gre", GRE4("001c") "00000800 00000000", .cut = 5 },
		{ "a device", "dev:eth1", MACS "0806" ARP, 0, MACS "0806" ARP, NULL, 42 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[256], want[256], source[16] = { 0 };
		struct datagram frame = { .at = bytes, .wire_len = hex_bytes(cases[i].hex, bytes) }, d;
		struct listen listen;

		print_message("  %s\n", cases[i].name);
		frame.len = frame.wire_len - cases[i].cut;
		assert_int_equal(listen_parse(cases[i].listen, &listen), 0);
		assert_int_equal(read_listens(&listen, &frame, &d), !!cases[i].datagram);
		if (!cases[i].datagram)
			continue;
		assert_int_equal(d.len, hex_bytes(cases[i].datagram, want));
		assert_memory_equal(d.at, want, d.len);
		assert_int_equal(d.wire_len, cases[i].wire_len);
		assert_int_equal(d.format, listen.format->number);
		if (cases[i].source)
			inet_pton(strchr(cases[i].source, ':') ? AF_INET6 : AF_INET, cases[i].source, source);
		assert_memory_equal(d.source.bytes, source, sizeof(source));
	}
}

TEST_MAIN(make_file, remove_file)
