/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What docs/filters.md says, as plain, slow code: the oracle of the data path, but for tunnels of ours. It
 * shares nothing with the rule parser, the tables or the data path but the names of the outcomes, and takes
 * its rules as structures that are printed as text for the product.
 *
 * Which flows a sample takes and how flows spread over devices is the product's choice. The reference learns
 * the choice from a flow's first packet, and holds the product to it for all others, in both directions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../abi/maps.h"

#define REF_VALUES 8
#define REF_NAMES 4 /* of one rule */
#define REF_MEMORY 4096 /* packets that one struct reference can learn from */

/* The dimensions whose values are numbers: R(ID, keyword, in the layer-4 header) */
#define REF_LIST(R)                   \
	R(PROTO, "proto", false)      \
	R(VLAN, "vlan", false)        \
	R(SRC_PORT, "src-port", true) \
	R(DST_PORT, "dst-port", true) \
	R(ICMP_TYPE, "icmp-type", true)

#define REF_NUMBER(ID, keyword, l4) REF_##ID,
enum ref_number { REF_LIST(REF_NUMBER) REF_NUMBERS };

struct ref_ranges {
	size_t n; /* 0: the line does not name this dimension */
	struct {
		uint16_t from, to;
	} at[REF_VALUES];
};

struct ref_prefixes {
	size_t n;
	struct {
		uint8_t family; /* 4 or 6 */
		uint8_t len;
		uint8_t addr[16];
	} at[REF_VALUES];
};

struct ref_device {
	const char *name;
	unsigned int ifindex;
	bool l3; /* takes only IP without VLAN tags */
};

struct ref_rule {
	enum mirror_action action;
	struct ref_ranges number[REF_NUMBERS], port;
	struct ref_prefixes src, dst;
	bool tcp_flags;
	uint8_t flags, mask;
	enum { REF_EITHER, REF_MALFORMED, REF_WELL_FORMED } malformed;
	size_t n_domain;
	const char *domain[REF_NAMES];
	uint32_t sample; /* 0: the line does not name it */
	uint32_t first; /* bytes or packets; 0: the line does not name it */
	bool packets;
	size_t n_to; /* only of a mirror, which has at least one; all of them take the same kind of packet */
	const struct ref_device *to[MIRROR_MAX_DEVICES];
};

struct ref_rules {
	size_t n;
	struct ref_rule at[MIRROR_MAX_FILTERS];
};

/* The rules as text, a line each. */
void ref_print(FILE *to, const struct ref_rules *rules);

struct ref_packet {
	const uint8_t *data;
	size_t len;
	bool l3; /* the interface has no Ethernet header */
	bool tagged; /* a VLAN tag in the metadata */
	uint16_t tci;
	bool gso;
	uint32_t mark;
};

/* The two ends in a fixed order, so that both directions give the same flow. */
struct ref_flow {
	uint8_t family; /* 0: not IP, which has no flow */
	uint8_t proto;
	struct {
		uint8_t addr[16];
		uint16_t port;
	} end[2];
};

/* What the product did with a packet. */
struct ref_seen {
	enum mirror_outcome outcome;
	int filter; /* index; -1: none matched */
	unsigned int ifindex; /* where the copy left; 0: none did */
	bool refused; /* the kernel did not take the copy */
};

/* What is known of the name of a flow. */
enum ref_naming { REF_UNNAMED, REF_NAMELESS, REF_MIDDLE, REF_NAMED };

struct reference {
	struct ref_rules rules;
	/* learned */
	size_t n_flows;
	struct {
		struct ref_flow flow;
		uint32_t sample;
		bool taken;
	} flows[REF_MEMORY];
	size_t n_spreads;
	struct {
		struct ref_flow flow;
		int filter;
		unsigned int ifindex;
	} spreads[REF_MEMORY];
	size_t n_names; /* told by the test, as the sender tells them */
	struct {
		struct ref_flow flow;
		enum ref_naming naming;
		const char *name;
	} names[REF_MEMORY];
	size_t n_counts; /* of a flow that passes one program */
	struct {
		struct ref_flow flow;
		int program;
		bool packets[2];
		uint64_t passed[2];
	} counts[REF_MEMORY];
	size_t n_datagrams;
	struct {
		struct mirror_datagram key;
		struct ref_seen seen;
	} datagrams[REF_MEMORY];
};

struct ref_expected {
	enum mirror_outcome outcome;
	int filter;
	bool perhaps; /* OUT_SAMPLED_OUT is right as well, if the whole flow is treated so */
	const struct ref_seen *first; /* a later fragment: what became of the first one */
	bool teaches; /* a first fragment, that later ones follow */
	struct mirror_datagram datagram;
	struct ref_flow flow;
	bool turned; /* from the second end of the flow to the first */
	uint64_t candidates; /* OUT_UNDECIDED: the filters that are left */
	bool named; /* of a protocol whose flows have names */
	bool begins; /* the name that was known is that of an earlier connection */
	bool restarts, always; /* for `first` */
	uint32_t bytes, packets;
};

struct ref_expected ref_expect(const struct reference *ref, const struct ref_packet *packet);

/* NULL if the product did what is expected, else what is wrong. Learns from it. program: which one did it. */
const char *ref_judge(struct reference *ref, const struct ref_expected *expected, int program,
		      const struct ref_seen *seen);

/* The sender has found out about a flow. name: if it is REF_NAMED. */
void ref_name(struct reference *ref, const struct ref_flow *flow, enum ref_naming naming, const char *name);

/* Whether an exact name or *.suffix accepts a name. */
bool ref_accepts(const char *pattern, const char *name);
