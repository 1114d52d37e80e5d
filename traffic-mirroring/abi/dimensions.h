/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The dimensions: properties of a packet that a filter can test. The enum, the tables of the data path, the
 * updater's view of them and the sets of a filter are generated from these lists. docs/filters.md describes
 * each dimension. Some have no table here: DIM_SRC and DIM_DST have those of MIRROR_ADDRESSES, and
 * DIM_DOMAIN, the name of the flow, has the host's map accepts (flows.h).
 */
#pragma once

/*
 * Dimensions whose values are small numbers, in the order of struct mirror_bank's any[]. Each has an ARRAY
 * table with an entry per value: D(ID, name of the table, values, 1: in the layer-4 header, which later
 * fragments lack, what a value is)
 */
#define MIRROR_NUMBERS(D)                                            \
	D(PROTO, proto, 256, 0, "IP protocol")                       \
	D(DST_PORT, dst_port, 65536, 1, "destination port")          \
	D(SRC_PORT, src_port, 65536, 1, "source port")               \
	D(PORT, port, 65536, 1, "source or destination port")        \
	D(TCP_FLAGS, tcp_flags, 256, 1, "byte 13 of the TCP header") \
	D(ICMP_TYPE, icmp_type, 256, 1, "ICMP type")                 \
	D(VLAN, vlan, 4096, 0, "ID of the outermost VLAN tag")       \
	D(MALFORMED, malformed, 2, 0, "1 if headers are too short or contradictory, else 0")

/* The LPM_TRIE tables of the address dimensions: D(ID, name of the table, dimension, IP version) */
#define MIRROR_ADDRESSES(D)   \
	D(SRC4, src4, SRC, 4) \
	D(DST4, dst4, DST, 4) \
	D(SRC6, src6, SRC, 6) \
	D(DST6, dst6, DST, 6)

#define MIRROR_DIMENSION(ID, ...) DIM_##ID,
enum mirror_dimension {
	MIRROR_NUMBERS(MIRROR_DIMENSION) DIM_SRC,
	DIM_DST,
	DIM_DOMAIN,
	DIM_COUNT,
	DIM_NUMBERS = DIM_SRC, /* number of dimensions with small numbers; they come first */
};
#undef MIRROR_DIMENSION
