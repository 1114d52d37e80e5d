/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The formats in which copies are sent. All code that needs their names, numbers, ports or limits is
 * generated from these lists. A row:
 *
 *   F(separator, ID, name, number in struct mirror_collector, carrier (wire/formats.h), IP protocol,
 *     UDP destination port, highest ID (0: no ID), 1: carries IP packets, not frames, 1: adds a VLAN tag)
 *
 * The separator precedes every row but the first: FORMAT_NAMES in wire/formats.h needs it. Numbers count from
 * 1. They are stored in pinned maps, so their meaning never changes.
 */
#pragma once

/*
 * Tunnels:
 *   gue     GUE variant 0 (draft-ietf-intarea-gue)
 *   vxlan   RFC 7348; ID: VNI
 *   geneve  RFC 8926, optionally with metadata (wire/encap.h); ID: VNI
 *   gre     RFC 2784 with protocol type 0x6558
 *   erspan  ERSPAN type II (draft-foschiano-erspan) in GRE with sequence numbers; a truncated copy has
 *           the truncated bit set; ID: session
 */
#define MIRROR_TUNNELS(F, separator)                                                    \
	F(, GUE, gue, 1, CARRIER_UDP, IPPROTO_UDP, 6080, 0, 1, 0)                       \
	F(separator, VXLAN, vxlan, 2, CARRIER_UDP, IPPROTO_UDP, 4789, 0xffffff, 0, 0)   \
	F(separator, GENEVE, geneve, 3, CARRIER_UDP, IPPROTO_UDP, 6081, 0xffffff, 0, 0) \
	F(separator, GRE, gre, 4, CARRIER_IP, IPPROTO_GRE, 0, 0, 0, 0)                  \
	F(separator, ERSPAN, erspan, 5, CARRIER_IP, IPPROTO_GRE, 0, 0x3ff, 0, 0)

/*
 * All formats, in the order of --help. Sent out of a device:
 *   vlan    frames with an additional outermost 802.1Q tag; ID: VLAN ID
 *   dev     frames; IP packets if the device has no link-layer header
 */
#define MIRROR_FORMATS(F, separator)                                  \
	MIRROR_TUNNELS(F, separator)                                  \
	F(separator, VLAN, vlan, 6, CARRIER_DEVICE, 0, 0, 4094, 0, 1) \
	F(separator, DEV, dev, 7, CARRIER_DEVICE, 0, 0, 0, 0, 0)

#define MIRROR_FORMAT(separator, ID, name, number, ...) FORMAT_##ID = number,
#define MIRROR_FORMAT_ONE(...) +1
enum mirror_format {
	FORMAT_NONE,
	MIRROR_FORMATS(MIRROR_FORMAT, ) /* one more than the highest number: */
	FORMAT_COUNT = 1 MIRROR_FORMATS(MIRROR_FORMAT_ONE, ),
};
#undef MIRROR_FORMAT
#undef MIRROR_FORMAT_ONE
