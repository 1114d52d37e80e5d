// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `snaplen headers`: how many bytes of each packet its record asks for. */
#include <string.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "host_group.h"

#define SRC4 .family = 4, .src = "192.0.2.1", .dst = "198.51.100.1", .payload = 400
#define SRC6 .family = 6, .src = "2001:db8::1", .dst = "2001:db8:1::1", .payload = 400
#define PORTS .src_port = 1000, .dst_port = 2000

static const struct {
	const char *name;
	struct packet_spec spec;
	uint32_t headers; /* 0: the sender finds out */
	bool tagged; /* in metadata */
	uint8_t words; /* of the TCP header, if not 5 */
} cases[] = {
	{ "TCP", { SRC4, PORTS, .proto = IPPROTO_TCP }, .headers = 14 + 20 + 20 },
	{ "TCP with options", { SRC4, PORTS, .proto = IPPROTO_TCP }, .headers = 14 + 20 + 60, .words = 15 },
	{ "IP options", { SRC4, PORTS, .proto = IPPROTO_TCP, .options = 10 }, .headers = 14 + 60 + 20 },
	{ "UDP", { SRC6, PORTS, .proto = IPPROTO_UDP }, .headers = 14 + 40 + 8 },
	{ "ICMP", { SRC4, .proto = IPPROTO_ICMP, .icmp_type = 8 }, .headers = 14 + 20 + 8 },
	{ "GRE", { SRC4, .proto = IPPROTO_GRE }, .headers = 0 },
	{ "tags",
	  { SRC4, PORTS, .proto = IPPROTO_UDP, .tag = { { 0x8100, 5 } } },
	  .headers = 14 + 4 + 20 + 8 },
	{ "a tag in metadata",
	  { SRC4, PORTS, .proto = IPPROTO_UDP },
	  .headers = 14 + 20 + 8 + 4,
	  .tagged = true },
	{ "extensions",
	  { SRC6, PORTS, .proto = IPPROTO_TCP, .extension = { 0, 60 }, .n_extensions = 2 },
	  .headers = 14 + 40 + 16 + 16 + 20 },
	{ "a first fragment",
	  { SRC4, PORTS, .proto = IPPROTO_UDP, .id = 7, .more = true },
	  .headers = 14 + 20 + 8 },
	{ "a later one follows it, without layer 4",
	  { SRC4, .proto = IPPROTO_UDP, .id = 7, .offset = 9 },
	  .headers = 0 },
	{ "a later one, alone",
	  { SRC6, .proto = IPPROTO_UDP, .id = 8, .offset = 9, .extension = { 44 }, .n_extensions = 1 },
	  .headers = 0 },
	{ "no IP", { .ethertype = 0x0806, .payload = 400 }, .headers = 0 },
};

static void run(enum direction d, size_t i)
{
	struct packet p;
	struct ref_packet packet = { .data = p.data, .tagged = cases[i].tagged, .tci = 9 };

	packet_build(&cases[i].spec, &p);
	if (cases[i].words)
		p.data[p.l4 + 12] = cases[i].words << 4;
	packet.len = p.len;
	assert_int_equal(group_packet(d, &packet).outcome, OUT_RING);
	assert_int_equal(host_maps_records(&maps), 1);
}

/* flags: of each record, whether the headers are known or not. */
static void all(const char *rules, uint32_t more, uint32_t flags)
{
	for (int d = 0; d < DIRECTIONS; d++) {
		assert_int_equal(host_maps_commit(&maps, d, rules), 0);
		host_maps_records(&maps);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			uint32_t want = (cases[i].headers ?: RECORD_HEAD_SIZE) + more;
			uint32_t find = cases[i].headers ? 0 : RECORD_FIND_HEADERS;

			run(d, i);
			if (maps.record.snaplen != want)
				fail_msg("%s: snaplen %u, not %u", cases[i].name, maps.record.snaplen, want);
			assert_int_equal(maps.record.cap_len, want);
			assert_int_equal(maps.record.flags & ~RECORD_EGRESS, flags | find);
		}
	}
}

TEST(headers)
{
	all("mirror snaplen headers", 0, RECORD_HEADERS);
}

TEST(headers_and_payload)
{
	all("mirror snaplen headers+17", 17, RECORD_HEADERS);
}

TEST(headers_and_zeros)
{
	all("mirror snaplen headers+zero", 0, RECORD_HEADERS | RECORD_ZERO);
}

TEST_MAIN(host_group_enter, host_group_leave)
