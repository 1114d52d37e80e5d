/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the kernel is told of GSO packets. */
#include "../../../common/tests/unit.h"
#include "../whole.h"

#include <netinet/in.h>

#include "../../wire/tests/wire.h"

#define CWR 0x80
#define L4 100 /* where it is in the frame */

static uint8_t payload[3000], captured[4096];

static struct virtio_net_hdr describe(const struct recipe *r)
{
	struct split_input in = { .packet = { .at = captured }, .gso_size = 1000 };
	struct split s;

	in.packet.len = in.packet.wire_len = wire_build(r, 0, 1000, payload, sizeof(payload), captured);
	split_begin(&s, &in);
	assert_int_equal(split_count(&s), 3);
	return whole_describe(&s, L4);
}

TEST(headers)
{
	static const struct {
		struct recipe recipe;
		uint8_t type, len, sum;
	} cases[] = {
		{ { .family = 4, .proto = IPPROTO_TCP }, VIRTIO_NET_HDR_GSO_TCPV4, 20, 16 },
		{ { .family = 6, .proto = IPPROTO_TCP, .tag = { 5 }, .tcp_options = 3 },
		  VIRTIO_NET_HDR_GSO_TCPV6,
		  32,
		  16 },
		{ { .family = 4, .proto = IPPROTO_TCP, .tcp_flags = CWR },
		  VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		  20,
		  16 },
		{ { .family = 4, .proto = IPPROTO_UDP, .partial = true }, 5, 8, 6 },
		{ { .family = 6, .proto = IPPROTO_UDP, .partial = true }, 5, 8, 6 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct virtio_net_hdr h = describe(&cases[i].recipe);

		assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(h.gso_type, cases[i].type);
		assert_int_equal(h.gso_size, 1000);
		assert_int_equal(h.csum_start, L4);
		assert_int_equal(h.csum_offset, cases[i].sum);
		assert_int_equal(h.hdr_len, L4 + cases[i].len);
	}
}

TEST_MAIN(NULL, NULL)
