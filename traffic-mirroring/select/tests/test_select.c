// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Rules, a packet, what has to become of it: a case each. Every case runs through both objects by
 * BPF_PROG_TEST_RUN, and most again as real packets of which only the Ethernet header is linear.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "../../updater/rules.h"
#include "group.h"
#include "live.h"

/* Places in a packet. */
enum base { NOWHERE, L2, L3, L4 };

struct test_case {
	const char *name;
	const char *rules;
	struct packet_spec spec;
	enum mirror_outcome outcome;
	int filter; /* the one that decides, counted from 1; 0: none */
	struct {
		enum base from;
		size_t bytes;
	} cut; /* what is left of the packet */
	struct {
		enum base from;
		size_t at;
		uint8_t value;
	} poke[3];
	size_t trailer; /* bytes behind the IP packet */
	bool tagged; /* a VLAN tag in the metadata */
	uint16_t tci;
	bool gso;
	uint32_t mark;
	/*
	 * what a live packet cannot be: a third tag, which the kernel takes out; a damaged tag, which it
	 * drops
	 */
	bool not_live;
};

#define C4 "192.0.2.1"
#define S4 "198.51.100.130"
#define C6 "2001:db8::1"
#define S6 "2001:db8:1::2"
#define IP4(protocol, ...)                                                                       \
	{                                                                                        \
		.family = 4, .proto = protocol, .src = C4, .dst = S4, .payload = 12, __VA_ARGS__ \
	}
#define IP6(protocol, ...)                                                                       \
	{                                                                                        \
		.family = 6, .proto = protocol, .src = C6, .dst = S6, .payload = 12, __VA_ARGS__ \
	}
#define PORTS(from, to) .src_port = from, .dst_port = to
#define TCP4(...) IP4(IPPROTO_TCP, PORTS(40000, 443), __VA_ARGS__)
#define TCP6(...) IP6(IPPROTO_TCP, PORTS(40000, 443), __VA_ARGS__)
#define EXT(...) .extension = { __VA_ARGS__ }, .n_extensions = sizeof((uint8_t[]){ __VA_ARGS__ })
#define NOT_IP(type, ...)                                     \
	{                                                     \
		.ethertype = type, .payload = 46, __VA_ARGS__ \
	}
#define TAG(kind, id)    \
	{                \
		kind, id \
	}
#define DCCP 33

#define BECOMES(out, by) .outcome = out, .filter = by
#define YES BECOMES(OUT_DEVICE, 1)
#define NO BECOMES(OUT_NO_MATCH, 0)
#define ALL "mirror to d0"
/* malformed, and copied */
#define CHECKED "mirror malformed no to d1\nmirror malformed yes to d0"
#define BAD BECOMES(OUT_DEVICE, 2)

static const struct test_case cases[] = {
	/* protocol */
	{ "proto by name", "mirror proto tcp to d0", TCP4(), YES },
	{ "proto by name, another", "mirror proto tcp to d0", IP4(IPPROTO_UDP), NO },
	{ "proto by number", "mirror proto 17 to d0", IP4(IPPROTO_UDP), YES },
	{ "proto, one of a list", "mirror proto gre,udp,esp to d0", IP4(IPPROTO_ESP), YES },
	{ "proto, none of a list", "mirror proto gre,udp,esp to d0", IP4(IPPROTO_AH), NO },
	{ "proto 0", "mirror proto 0 to d0", IP4(0), YES },
	{ "proto 255", "mirror proto 255 to d0", IP6(255), YES },
	{ "proto in IPv6", "mirror proto tcp to d0", TCP6(), YES },
	{ "proto in IPv6, another", "mirror proto udp to d0", TCP6(), NO },
	{ "proto behind extension headers", "mirror proto tcp to d0", TCP6(EXT(0, 60)), YES },
	{ "proto is not that of an extension header", "mirror proto 60 to d0", TCP6(EXT(60)), NO },
	{ "proto of no next header", "mirror proto 59 to d0", IP6(59), YES },
	{ "proto asks for IP", "mirror proto tcp to d0", NOT_IP(0x0806), NO },
	{ "proto 0 asks for IP", "mirror proto 0 to d0", NOT_IP(0x0806), NO },
	/* addresses */
	{ "src host", "mirror src 192.0.2.1 to d0", TCP4(), YES },
	{ "src other host", "mirror src 192.0.2.0 to d0", TCP4(), NO },
	{ "src is not dst", "mirror src 198.51.100.130 to d0", TCP4(), NO },
	{ "src prefix", "mirror src 192.0.2.0/24 to d0", TCP4(), YES },
	{ "src prefix beside", "mirror src 192.0.3.0/24 to d0", TCP4(), NO },
	{ "src prefix of odd length", "mirror src 192.0.2.0/31 to d0", TCP4(), YES },
	{ "src prefix of odd length beside", "mirror src 192.0.2.2/31 to d0", TCP4(), NO },
	{ "src bits past the length do not count", "mirror src 192.0.2.77/24 to d0", TCP4(), YES },
	{ "src 0.0.0.0/0", "mirror src 0.0.0.0/0 to d0", TCP4(), YES },
	{ "src 0.0.0.0/0 is IPv4 only", "mirror src 0.0.0.0/0 to d0", TCP6(), NO },
	{ "src ::/0", "mirror src ::/0 to d0", TCP6(), YES },
	{ "src ::/0 is IPv6 only", "mirror src ::/0 to d0", TCP4(), NO },
	{ "src asks for IP", "mirror src 0.0.0.0/0,::/0 to d0", NOT_IP(0x0806), NO },
	{ "dst host", "mirror dst 198.51.100.130 to d0", TCP4(), YES },
	{ "dst is not src", "mirror dst 192.0.2.1 to d0", TCP4(), NO },
	{ "dst prefix", "mirror dst 198.51.100.128/25 to d0", TCP4(), YES },
	{ "dst prefix beside", "mirror dst 198.51.100.0/25 to d0", TCP4(), NO },
	{ "dst, one of a list", "mirror dst 10.0.0.0/8,2001:db8::/32,198.51.100.130 to d0", TCP4(), YES },
	{ "dst in IPv6, one of a list", "mirror dst 10.0.0.0/8,2001:db8::/32 to d0", TCP6(), YES },
	{ "dst in IPv6, none of a list", "mirror dst 10.0.0.0/8,2001:db8:2::/48 to d0", TCP6(), NO },
	{ "dst host in IPv6", "mirror dst 2001:db8:1::2 to d0", TCP6(), YES },
	{ "dst host in IPv6, last bit", "mirror dst 2001:db8:1::3 to d0", TCP6(), NO },
	{ "dst /127", "mirror dst 2001:db8:1::3/127 to d0", TCP6(), YES },
	{ "src and dst", "mirror src 192.0.2.0/24 dst 198.51.100.0/24 to d0", TCP4(), YES },
	{ "src and not dst", "mirror src 192.0.2.0/24 dst 198.51.101.0/24 to d0", TCP4(), NO },
	{ "dst and not src", "mirror src 192.0.3.0/24 dst 198.51.100.0/24 to d0", TCP4(), NO },
	{ "nested prefixes, the filter of the wide one",
	  "mirror src 192.0.0.0/16 to d0\nskip src 192.0.2.0/24", TCP4(), YES },
	{ "nested prefixes, the filter of the narrow one",
	  "skip src 192.0.2.0/24\nmirror src 192.0.0.0/16 to d0", TCP4(), BECOMES(OUT_SKIPPED, 1) },
	{ "nested prefixes, outside of the narrow one",
	  "skip src 192.0.3.0/24\nmirror src 192.0.0.0/16 to d0", TCP4(), BECOMES(OUT_DEVICE, 2) },
	/* ports */
	{ "dst-port", "mirror dst-port 443 to d0", TCP4(), YES },
	{ "dst-port another", "mirror dst-port 444 to d0", TCP4(), NO },
	{ "dst-port is not src-port", "mirror dst-port 40000 to d0", TCP4(), NO },
	{ "dst-port first of a range", "mirror dst-port 443-500 to d0", TCP4(), YES },
	{ "dst-port last of a range", "mirror dst-port 80,400-443 to d0", TCP4(), YES },
	{ "dst-port before a range", "mirror dst-port 444-500 to d0", TCP4(), NO },
	{ "dst-port after a range", "mirror dst-port 80,400-442 to d0", TCP4(), NO },
	{ "dst-port 0", "mirror dst-port 0 to d0", IP4(IPPROTO_UDP, PORTS(1, 0)), YES },
	{ "dst-port 65535", "mirror dst-port 65535 to d0", IP4(IPPROTO_UDP, PORTS(1, 65535)), YES },
	{ "src-port", "mirror src-port 40000 to d0", TCP4(), YES },
	{ "src-port is not dst-port", "mirror src-port 443 to d0", TCP4(), NO },
	{ "port as source", "mirror port 40000 to d0", TCP4(), YES },
	{ "port as destination", "mirror port 443 to d0", TCP4(), YES },
	{ "port as neither", "mirror port 442,444,39999,40001 to d0", TCP4(), NO },
	{ "port next to src-port", "mirror port 443 src-port 40000 to d0", TCP4(), YES },
	{ "port next to a wrong src-port", "mirror port 443 src-port 443 to d0", TCP4(), NO },
	{ "dst-port in IPv6", "mirror dst-port 443 to d0", TCP6(), YES },
	{ "dst-port behind extension headers", "mirror dst-port 443 to d0", TCP6(EXT(0, 43, 60)), YES },
	{ "dst-port of UDP", "mirror dst-port 53 to d0", IP4(IPPROTO_UDP, PORTS(1, 53)), YES },
	{ "dst-port of UDP-Lite", "mirror dst-port 53 to d0", IP4(IPPROTO_UDPLITE, PORTS(1, 53)), YES },
	{ "dst-port of SCTP", "mirror dst-port 53 to d0", IP6(IPPROTO_SCTP, PORTS(1, 53)), YES },
	{ "dst-port of DCCP", "mirror dst-port 53 to d0", IP6(DCCP, PORTS(1, 53)), YES },
	{ "dst-port asks for ports: GRE", "mirror dst-port 0-65535 to d0", IP4(IPPROTO_GRE), NO },
	{ "dst-port asks for ports: ICMP", "mirror dst-port 0-65535 to d0", IP4(IPPROTO_ICMP), NO },
	{ "src-port asks for ports", "mirror src-port 0-65535 to d0", IP6(IPPROTO_ESP), NO },
	{ "port asks for ports", "mirror port 0-65535 to d0", NOT_IP(0x0806), NO },
	/* TCP flags */
	{ "tcp-flags", "mirror tcp-flags syn/syn,ack to d0", TCP4(.tcp_flags = 0x02), YES },
	{ "tcp-flags, others do not count", "mirror tcp-flags syn/syn,ack to d0", TCP4(.tcp_flags = 0xc2),
	  YES },
	{ "tcp-flags, one too many", "mirror tcp-flags syn/syn,ack to d0", TCP4(.tcp_flags = 0x12), NO },
	{ "tcp-flags, one missing", "mirror tcp-flags syn,ack/syn,ack to d0", TCP4(.tcp_flags = 0x10), NO },
	{ "tcp-flags without a mask", "mirror tcp-flags syn,ack to d0", TCP4(.tcp_flags = 0x52), YES },
	{ "tcp-flags none", "mirror tcp-flags none/255 to d0", TCP4(), YES },
	{ "tcp-flags none, but one", "mirror tcp-flags none/255 to d0", TCP4(.tcp_flags = 0x80), NO },
	{ "tcp-flags as a number", "mirror tcp-flags 1/1 to d0", TCP4(.tcp_flags = 0x11), YES },
	{ "tcp-flags cwr", "mirror tcp-flags cwr to d0", TCP6(.tcp_flags = 0x80), YES },
	{ "tcp-flags ask for TCP", "mirror tcp-flags none/syn to d0", IP4(IPPROTO_UDP), NO },
	{ "tcp-flags ask for IP", "mirror tcp-flags none/syn to d0", NOT_IP(0x0806), NO },
	/* ICMP type */
	{ "icmp-type", "mirror icmp-type 8 to d0", IP4(IPPROTO_ICMP, .icmp_type = 8), YES },
	{ "icmp-type another", "mirror icmp-type 8 to d0", IP4(IPPROTO_ICMP, .icmp_type = 0), NO },
	{ "icmp-type range", "mirror icmp-type 0,133-137 to d0", IP6(IPPROTO_ICMPV6, .icmp_type = 137), YES },
	{ "icmp-type after a range", "mirror icmp-type 0,133-136 to d0",
	  IP6(IPPROTO_ICMPV6, .icmp_type = 137), NO },
	{ "icmp-type 255", "mirror icmp-type 255 to d0", IP4(IPPROTO_ICMP, .icmp_type = 255), YES },
	{ "icmp-type asks for ICMP", "mirror icmp-type 0-255 to d0", TCP4(), NO },
	{ "icmp-type and proto", "mirror proto icmp icmp-type 128 to d0",
	  IP6(IPPROTO_ICMPV6, .icmp_type = 128), NO },
	/* VLAN */
	{ "vlan 802.1Q", "mirror vlan 5 to d0", TCP4(.tag = { TAG(0x8100, 5) }), YES },
	{ "vlan 802.1ad", "mirror vlan 5 to d0", TCP6(.tag = { TAG(0x88a8, 5) }), YES },
	{ "vlan another", "mirror vlan 5 to d0", TCP4(.tag = { TAG(0x8100, 6) }), NO },
	{ "vlan without priority bits", "mirror vlan 5 to d0", TCP4(.tag = { TAG(0x8100, 0xf005) }), YES },
	{ "vlan range", "mirror vlan 2-4095 to d0", TCP4(.tag = { TAG(0x8100, 4095) }), YES },
	{ "vlan 0", "mirror vlan 0 to d0", TCP4(.tag = { TAG(0x8100, 0x2000) }), YES },
	{ "vlan 0 is not untagged", "mirror vlan 0-4095 to d0", TCP4(), NO },
	{ "vlan is the outer one", "mirror vlan 7 to d0", TCP4(.tag = { TAG(0x88a8, 7), TAG(0x8100, 5) }),
	  YES },
	{ "vlan is not the inner one", "mirror vlan 5 to d0", TCP4(.tag = { TAG(0x88a8, 7), TAG(0x8100, 5) }),
	  NO },
	{ "vlan in metadata", "mirror vlan 9 to d0", TCP4(), YES, .tagged = true, .tci = 0xe009 },
	{ "vlan in metadata, another", "mirror vlan 9 to d0", TCP4(), NO, .tagged = true, .tci = 8 },
	{ "vlan in metadata is the outer one", "mirror vlan 9 to d0", TCP4(.tag = { TAG(0x8100, 5) }), YES,
	  .tagged = true, .tci = 9 },
	{ "vlan in the packet is then the inner one", "mirror vlan 5 to d0", TCP4(.tag = { TAG(0x8100, 5) }),
	  NO, .tagged = true, .tci = 9 },
	{ "vlan of ARP", "mirror vlan 5 to d0", NOT_IP(0x0806, .tag = { TAG(0x8100, 5) }), YES },
	{ "vlan and port", "mirror vlan 5 dst-port 443 to d0", TCP4(.tag = { TAG(0x8100, 5) }), YES },
	{ "port behind two tags", "mirror dst-port 443 to d0",
	  TCP6(.tag = { TAG(0x88a8, 7), TAG(0x8100, 5) }), YES },
	{ "port behind two tags and one in metadata", "mirror dst-port 443 to d0",
	  TCP4(.tag = { TAG(0x8100, 7), TAG(0x8100, 5) }), YES, .tagged = true, .tci = 9 },
	{ "three tags: not IP", "mirror dst-port 443 to d0",
	  TCP4(.tag = { TAG(0x8100, 7), TAG(0x8100, 6), TAG(0x8100, 5) }), NO, .not_live = true },
	{ "three tags: a packet with a VLAN", "mirror vlan 7 to d0",
	  TCP4(.tag = { TAG(0x8100, 7), TAG(0x8100, 6), TAG(0x8100, 5) }), YES },

	/* order */
	{ "no rule", "", TCP4(), BECOMES(OUT_DISABLED, 0) },
	{ "a bare mirror takes IP", ALL, TCP4(), YES },
	{ "a bare mirror takes ARP", ALL, NOT_IP(0x0806), YES },
	{ "a bare mirror takes LLDP", ALL, NOT_IP(0x88cc), YES },
	{ "a bare mirror takes 802.3", ALL, NOT_IP(0x0026), YES },
	{ "a bare skip", "skip\nmirror to d0", TCP4(), BECOMES(OUT_SKIPPED, 1) },
	{ "skip before mirror", "skip dst-port 443\nmirror proto tcp to d0", TCP4(),
	  BECOMES(OUT_SKIPPED, 1) },
	{ "mirror before skip", "mirror proto tcp to d0\nskip dst-port 443", TCP4(), YES },
	{ "the first of several", "mirror dst-port 80 to d0\nmirror proto tcp to d1\nmirror to d2", TCP4(),
	  BECOMES(OUT_DEVICE, 2) },
	{ "the last of several", "mirror dst-port 80 to d0\nmirror proto udp to d1\nmirror to d2", TCP4(),
	  BECOMES(OUT_DEVICE, 3) },
	{ "a filter without addresses before one with", "mirror proto tcp to d0\nmirror src 192.0.2.1 to d1",
	  TCP4(), YES },
	{ "a filter with other addresses before one without",
	  "mirror src 10.0.0.1 to d1\nmirror proto tcp to d0", TCP4(), BECOMES(OUT_DEVICE, 2) },

	/* headers */
	{ "IPv4 options, one word", "mirror dst-port 443 to d0", TCP4(.options = 1), YES },
	{ "IPv4 options, ten words", "mirror dst-port 443 to d0", TCP4(.options = 10), YES },
	{ "IPv4, Ethernet trailer", "mirror dst-port 443 to d0", TCP4(), YES, .trailer = 18 },
	{ "IPv4, don't fragment", "mirror dst-port 443 to d0", TCP4(), YES, .poke = { { L3, 6, 0x40 } } },
	{ "IPv6, Ethernet trailer", "mirror dst-port 443 to d0", TCP6(), YES, .trailer = 18 },
	{ "IPv6 hop-by-hop options", "mirror dst-port 443 to d0", TCP6(EXT(0)), YES },
	{ "IPv6 routing", "mirror dst-port 443 to d0", TCP6(EXT(43)), YES },
	{ "IPv6 authentication", "mirror dst-port 443 to d0", TCP6(EXT(51)), YES },
	{ "IPv6 destination options", "mirror dst-port 443 to d0", TCP6(EXT(60)), YES },
	{ "IPv6 mobility", "mirror dst-port 443 to d0", TCP6(EXT(135)), YES },
	{ "IPv6 HIP", "mirror dst-port 443 to d0", TCP6(EXT(139)), YES },
	{ "IPv6 shim6", "mirror dst-port 443 to d0", TCP6(EXT(140)), YES },
	{ "IPv6 atomic fragment", "mirror dst-port 443 to d0", TCP6(EXT(44)), YES },
	{ "IPv6 eight extension headers", "mirror dst-port 443 to d0",
	  TCP6(EXT(0, 60, 43, 60, 51, 60, 60, 60)), YES },
	{ "IPv6 nine extension headers", CHECKED, TCP6(EXT(0, 60, 43, 60, 51, 60, 60, 60, 60)), BAD },
	{ "authentication header in IPv4 is a protocol", "mirror proto ah to d0", IP4(IPPROTO_AH), YES },
	{ "ESP ends the chain", "mirror proto esp to d0", IP6(IPPROTO_ESP, EXT(60)), YES },
	{ "TCP header alone", "mirror dst-port 443 to d0", TCP4(), YES, .cut = { L4, 20 },
	  .poke = { { L3, 3, 40 } } },
	{ "TCP options are not asked for", "mirror dst-port 443 to d0", TCP4(), YES, .cut = { L4, 20 },
	  .poke = { { L3, 3, 40 }, { L4, 12, 0xf0 } } },
	{ "UDP header alone", "mirror dst-port 53 to d0", IP4(IPPROTO_UDP, PORTS(1, 53)), YES,
	  .cut = { L4, 8 }, .poke = { { L3, 3, 28 } } },
	{ "IP header alone", "mirror proto gre to d0", IP4(IPPROTO_GRE), YES, .cut = { L4, 0 },
	  .poke = { { L3, 3, 20 } } },
	{ "IPv6 header alone", "mirror proto 59 to d0", IP6(59), YES, .cut = { L4, 0 },
	  .poke = { { L3, 5, 0 } } },
	{ "the smallest packet without IP", ALL, NOT_IP(0x0806), YES, .cut = { L2, 14 } },
	{ "IPv4 length 0 of a GSO packet", "skip dst-port 443", TCP4(.length_zero = true),
	  BECOMES(OUT_SKIPPED, 1), .gso = true },
	{ "IPv6 length 0 of a GSO packet", "skip dst-port 443", TCP6(.length_zero = true),
	  BECOMES(OUT_SKIPPED, 1), .gso = true },
	{ "IPv6 length 0 of a GSO packet, hop-by-hop", "skip dst-port 443", TCP6(EXT(0), .length_zero = true),
	  BECOMES(OUT_SKIPPED, 1), .gso = true },

	/* malformed */
	{ "IPv4 length 0", CHECKED, TCP4(.length_zero = true), BAD },
	{ "IPv6 length 0", CHECKED, TCP6(.length_zero = true), BAD },
	{ "IPv4 of version 6", CHECKED, TCP4(), BAD, .poke = { { L3, 0, 0x65 } } },
	{ "IPv4 of version 0", CHECKED, TCP4(), BAD, .poke = { { L3, 0, 0x05 } } },
	{ "IPv6 of version 4", CHECKED, TCP6(), BAD, .poke = { { L3, 0, 0x45 } } },
	{ "IPv4 header of 16 bytes", CHECKED, IP4(IPPROTO_UDP), BAD, .poke = { { L3, 0, 0x44 } } },
	{ "IPv4 header of 0 bytes", CHECKED, IP4(IPPROTO_UDP), BAD, .poke = { { L3, 0, 0x40 } } },
	{ "IPv4 header beyond the packet", CHECKED, TCP4(), BAD, .poke = { { L3, 0, 0x4f } } },
	{ "IPv4 header beyond its length", CHECKED, TCP4(.options = 2), BAD, .poke = { { L3, 3, 27 } } },
	{ "IPv4 length under the header", CHECKED, TCP4(), BAD, .poke = { { L3, 3, 19 } } },
	{ "IPv4 length beyond the packet", CHECKED, TCP4(), BAD, .poke = { { L3, 3, 53 } } },
	{ "IPv4 length far beyond the packet", CHECKED, TCP4(), BAD, .poke = { { L3, 2, 0xff } } },
	{ "IPv4 cut in its header, behind a tag", CHECKED, TCP4(.tag = { TAG(0x8100, 1) }), BAD,
	  .cut = { L3, 19 } },
	{ "IPv4 missing, behind a tag", CHECKED, TCP4(.tag = { TAG(0x8100, 1) }), BAD, .cut = { L3, 0 },
	  .not_live = true },
	{ "IPv6 cut in its header, behind a tag", CHECKED, TCP6(.tag = { TAG(0x8100, 1) }), BAD,
	  .cut = { L3, 39 } },
	{ "IPv6 missing, behind a tag", CHECKED, TCP6(.tag = { TAG(0x8100, 1) }), BAD, .cut = { L3, 0 },
	  .not_live = true },
	{ "IPv6 length beyond the packet", CHECKED, TCP6(), BAD, .poke = { { L3, 5, 33 } } },
	{ "tag cut", CHECKED, TCP4(.tag = { TAG(0x8100, 1) }), BAD, .cut = { L2, 17 }, .not_live = true },
	{ "tag missing", CHECKED, TCP4(.tag = { TAG(0x8100, 1) }), BAD, .cut = { L2, 14 }, .not_live = true },
	{ "second tag cut", CHECKED, TCP4(.tag = { TAG(0x8100, 1), TAG(0x8100, 2) }), BAD,
	  .cut = { L2, 21 } },
	{ "TCP in a packet cut short", CHECKED, TCP4(), BAD, .cut = { L4, 19 } },
	{ "TCP of 19 bytes", CHECKED, TCP4(), BAD, .cut = { L4, 19 }, .poke = { { L3, 3, 39 } } },
	{ "TCP of 19 bytes and an Ethernet trailer", CHECKED, TCP4(), BAD, .poke = { { L3, 3, 39 } } },
	{ "TCP of 0 bytes", CHECKED, TCP4(), BAD, .cut = { L4, 0 }, .poke = { { L3, 3, 20 } } },
	{ "TCP data offset 4", CHECKED, TCP4(), BAD, .poke = { { L4, 12, 0x4f } } },
	{ "TCP data offset 0", CHECKED, TCP6(), BAD, .poke = { { L4, 12, 0 } } },
	{ "UDP of 7 bytes", CHECKED, IP4(IPPROTO_UDP), BAD, .cut = { L4, 7 }, .poke = { { L3, 3, 27 } } },
	{ "UDP-Lite of 7 bytes", CHECKED, IP6(IPPROTO_UDPLITE), BAD, .cut = { L4, 7 },
	  .poke = { { L3, 5, 7 } } },
	{ "SCTP of 11 bytes", CHECKED, IP4(IPPROTO_SCTP), BAD, .cut = { L4, 11 }, .poke = { { L3, 3, 31 } } },
	{ "DCCP of 11 bytes", CHECKED, IP6(DCCP), BAD, .cut = { L4, 11 }, .poke = { { L3, 5, 11 } } },
	{ "ICMP of 3 bytes", CHECKED, IP4(IPPROTO_ICMP), BAD, .cut = { L4, 3 }, .poke = { { L3, 3, 23 } } },
	{ "ICMPv6 of 3 bytes", CHECKED, IP6(IPPROTO_ICMPV6), BAD, .cut = { L4, 3 },
	  .poke = { { L3, 5, 3 } } },
	{ "TCP of 19 bytes in IPv6 with a trailer", CHECKED, TCP6(), BAD, .poke = { { L3, 5, 19 } } },
	{ "extension header beyond the length", CHECKED, TCP6(EXT(60)), BAD, .poke = { { L3, 41, 255 } } },
	{ "extension header behind the end", CHECKED, TCP6(EXT(60)), BAD, .poke = { { L3, 5, 0 } } },
	{ "extension header ends behind the length", CHECKED, IP6(59, EXT(60)), BAD,
	  .poke = { { L3, 5, 15 } } },
	{ "authentication header beyond the length", CHECKED, TCP6(EXT(51)), BAD,
	  .poke = { { L3, 41, 255 } } },
	{ "fragment header cut", CHECKED, TCP6(EXT(44)), BAD, .poke = { { L3, 5, 7 } } },
	{ "first fragment without its TCP header", CHECKED, TCP4(.more = true), BAD, .cut = { L4, 16 },
	  .poke = { { L3, 3, 36 } } },
	{ "first fragment without its TCP header, IPv6", CHECKED, TCP6(EXT(44), .more = true), BAD,
	  .cut = { L4, 16 }, .poke = { { L3, 5, 24 } } },
	/* what was read of them is matched */
	{ "malformed, and no filter wants it", "mirror dst-port 1 to d0", TCP4(), BECOMES(OUT_MALFORMED, 0),
	  .poke = { { L4, 12, 0 } } },
	{ "malformed behind the ports", "mirror dst-port 443 to d0", TCP4(), YES, .poke = { { L4, 12, 0 } } },
	{ "malformed, skipped", "skip\nmirror to d0", TCP4(), BECOMES(OUT_SKIPPED, 1),
	  .poke = { { L4, 12, 0 } } },
	{ "count: copies nothing", "count dst-port 443\nmirror to d0", TCP4(), BECOMES(OUT_COUNTED, 1) },
	{ "count, of another", "count dst-port 80\nmirror to d0", TCP4(), BECOMES(OUT_DEVICE, 2) },
	{ "malformed, a bare mirror", ALL, TCP4(.length_zero = true), YES },
	{ "not malformed", "mirror malformed yes to d1\nmirror malformed no to d0", TCP4(),
	  BECOMES(OUT_DEVICE, 2) },
	{ "not malformed: a later fragment", "mirror malformed yes to d1\nmirror malformed no to d0",
	  TCP4(.offset = 3, .id = 99), BECOMES(OUT_DEVICE, 2) },
	{ "a SYN of eight bytes: ports, no flags", "mirror tcp-flags none/0 to d1\nmirror dst-port 443 to d0",
	  TCP4(.more = true, .tcp_flags = 2), BECOMES(OUT_DEVICE, 2), .cut = { L4, 8 },
	  .poke = { { L3, 3, 28 } } },
	{ "TCP of 16 bytes has flags", "mirror tcp-flags syn to d0", TCP4(.tcp_flags = 2), YES,
	  .cut = { L4, 16 }, .poke = { { L3, 3, 36 } } },
	{ "TCP of 3 bytes has no ports", "skip port 0-65535\nmirror proto tcp to d0", TCP4(),
	  BECOMES(OUT_DEVICE, 2), .cut = { L4, 3 }, .poke = { { L3, 3, 23 } } },
	{ "ICMP of 3 bytes has no type", "skip icmp-type 0-255\nmirror proto icmp to d0", IP4(IPPROTO_ICMP),
	  BECOMES(OUT_DEVICE, 2), .cut = { L4, 3 }, .poke = { { L3, 3, 23 } } },
	{ "nine extension headers: addresses, no protocol",
	  "skip proto tcp,60\nskip port 0-65535\nmirror dst 2001:db8:1::2 to d0",
	  TCP6(EXT(0, 60, 43, 60, 51, 60, 60, 60, 60)), BECOMES(OUT_DEVICE, 3) },
	{ "an IP header that contradicts the packet: no IP",
	  "mirror dst 0.0.0.0/0 to d1\nmirror vlan 7 to d0",
	  TCP4(.tag = { TAG(0x8100, 7) }, .length_zero = true), BECOMES(OUT_DEVICE, 2) },

	/* marks */
	{ "our own copy", ALL, TCP4(), BECOMES(OUT_OWN_COPY, 0), .mark = MIRROR_MARK },
	{ "our own copy, malformed", ALL, TCP4(.length_zero = true), BECOMES(OUT_OWN_COPY, 0),
	  .mark = MIRROR_MARK },
	{ "another mark", ALL, TCP4(), YES, .mark = MIRROR_MARK + 1 },
};

static struct live live;

static size_t place(const struct packet *p, enum base from)
{
	return from == L3 ? p->l3 : from == L4 ? p->l4 : 0;
}

static void build(const struct test_case *c, struct packet *p)
{
	packet_build(&c->spec, p);
	memset(p->data + p->len, 0, c->trailer);
	p->len += c->trailer;
	for (size_t i = 0; i < 3 && c->poke[i].from; i++)
		p->data[place(p, c->poke[i].from) + c->poke[i].at] = c->poke[i].value;
	if (c->cut.from)
		packet_cut(p, place(p, c->cut.from) + c->cut.bytes);
}

static void commit(const char *rules)
{
	static const char *in_force;

	if (in_force && !strcmp(in_force, rules))
		return;
	if (fixture_commit(&fixture, rules))
		fail_msg("not committed: %s", rules);
	in_force = rules;
}

/* Everything that has to hold however the packet came; how: for the message. */
static unsigned int faults(const struct test_case *c, const struct packet *p, const char *how,
			   enum direction d, const struct datapath_result *r)
{
	const char *wrong = NULL;

	if (r->after.times != 1)
		wrong = "the chain did not go on, once";
	else if (r->outcomes != 1)
		wrong = "not one outcome was counted";
	else if (r->outcome != c->outcome)
		wrong = "another outcome";
	else if (r->filter + 1 != c->filter || r->filters != (c->filter > 0))
		wrong = "another filter was counted";
	else if (r->filters && r->bytes != r->before.len)
		wrong = "other bytes were counted";
	else if (!r->copy.times != (c->outcome != OUT_DEVICE))
		wrong = "a copy that should not be, or none that should";
	else if (r->copy.times && (r->copy.mark != MIRROR_MARK || r->copy.len != r->before.len ||
				   memcmp(r->copy.bytes, r->before.bytes, sizeof(r->copy.bytes)) ||
				   r->copy.tagged != r->before.tagged || r->copy.tci != r->before.tci))
		wrong = "the copy is not like the packet";
	else if (!datapath_passed(r))
		wrong = "the next program saw another packet";
	if (!wrong)
		return 0;
	printf("# %s, %s, %s: %s; seen %s, filter %d, copies %u\n", c->name, direction_names[d], how, wrong,
	       outcome_name(r->outcome), r->filter + 1, r->copy.times);
	packet_print(stdout, p);
	return 1;
}

#define ROWS (sizeof(cases) / sizeof(cases[0]))

/* BPF_PROG_TEST_RUN takes no untagged packet that is shorter than its IP header. */
TEST(test_runs)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < ROWS; i++) {
		const struct test_case *c = &cases[i];
		struct packet p;
		struct ref_packet packet = {
			.data = p.data, .tagged = c->tagged, .tci = c->tci, .gso = c->gso, .mark = c->mark
		};

		build(c, &p);
		packet.len = p.len;
		commit(c->rules);
		for (int d = 0; d < DIRECTIONS; d++) {
			struct datapath_result r;

			assert_int_equal(datapath_run(&fixture.datapath[d], &packet, &r), 0);
			if (r.verdict != CHAIN_VERDICT || !r.unchanged) {
				printf("# %s: verdict %d, packet %s\n", c->name, r.verdict,
				       r.unchanged ? "unchanged" : "changed");
				bad++;
			}
			bad += faults(c, &p, "test run", d, &r);
		}
	}
	assert_int_equal(bad, 0);
}

static unsigned int run_live(const struct test_case *c, const struct packet *p)
{
	unsigned int bad = 0;

	for (int d = 0; d < DIRECTIONS; d++) {
		struct datapath_result r;

		assert_int_equal(live_run(&live, d, p->data, p->len, &r), 0);
		if (p->len > p->l3 && r.before.linear > p->l3) {
			printf("# %s: %u bytes were linear\n", c->name, r.before.linear);
			bad++;
		}
		bad += faults(c, p, "live", d, &r);
	}
	return bad;
}

/* Nothing of the IP header is in the linear area. */
TEST(live_packets)
{
	unsigned int bad = 0, sent = 0;

	for (size_t i = 0; i < ROWS; i++) {
		const struct test_case *c = &cases[i];
		struct packet p;

		if (c->not_live || c->tagged || c->gso || c->mark)
			continue;
		build(c, &p);
		commit(c->rules);
		bad += run_live(c, &p);
		sent++;
	}
	printf("# %u packets, the IP header of none of them linear\n", sent);
	assert_int_equal(bad, 0);
}

/* Whatever an untagged IP packet is cut to, nothing reads past it, and all but the whole one is malformed. */
TEST(cut_anywhere)
{
	const struct packet_spec specs[] = { TCP4(.options = 2), TCP6(EXT(0, 51, 44)),
					     IP6(IPPROTO_UDP, EXT(60)) };
	unsigned int bad = 0;

	commit(CHECKED);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct test_case c = { .name = "cut", .rules = CHECKED, .spec = specs[i], BAD };
		struct packet p;

		packet_build(&c.spec, &p);
		while (p.len > 14) {
			packet_cut(&p, p.len - 1);
			bad += run_live(&c, &p);
		}
	}
	assert_int_equal(bad, 0);
}

/* Entries of an ARRAY become random bytes. */
static void poison(const struct datapath *d, const char *map, __u32 entries)
{
	static uint8_t value[sizeof(struct mirror_options)];

	for (__u32 key = 0; key < entries; key++) {
		for (size_t i = 0; i < sizeof(value); i++)
			value[i] = random() % 4 ? random() : 255;
		assert_int_equal(bpf_map_update_elem(datapath_map(d, map), &key, value, BPF_ANY), 0);
	}
}

/* The sanitizers see what a reader reads beyond. The last test: the maps stay poisoned. */
TEST(poisoned_maps)
{
	const struct datapath *d = &fixture.datapath[INGRESS];
	struct delivery delivery;
	char *text = NULL;
	size_t size;

	for (int i = 0; i < 64; i++) {
		struct configuration *c = configuration_new();
		FILE *to = open_memstream(&text, &size);

		poison(d, "config", 1);
		poison(d, "banks", MIRROR_BANKS);
		poison(d, "filters", MIRROR_BANKS * MIRROR_MAX_FILTERS);
		poison(d, "options", MIRROR_BANKS);
		assert_non_null(c);
		assert_non_null(to);
		assert_int_equal(tables_read(d->tables, c), 0);
		tables_delivery(d->tables, &delivery);
		for (int o = 0; o < OPT_COUNT; o++)
			fputs(c->options.text[o], to);
		for (size_t f = 0; f < c->filters->n; f++)
			for (int n = 0; n < c->rows[f].devices; n++)
				fputs(c->rows[f].device[n].name, to);
		assert_int_equal(rules_print(to, c->filters), 0);
		fclose(to);
		free(text);
		configuration_free(c);
	}
}

static int enter(void **state)
{
	return group_enter(state) ?: live_open(&live, &fixture);
}

static int leave(void **state)
{
	live_close(&live);
	return group_leave(state);
}

TEST_MAIN(enter, leave)
