/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The rows of abi/formats.h as a table, and the numbers that the formats share on the wire. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "../abi/formats.h"

#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_TEB 0x6558 /* a frame, in GRE and Geneve */
#define ETHERTYPE_ERSPAN 0x88be /* type II or I, in GRE */
#define GRE_HAS_SEQUENCE 0x1000
#define VXLAN_HAS_VNI 0x08

enum carrier {
	CARRIER_UDP,
	CARRIER_IP, /* a raw socket */
	CARRIER_DEVICE, /* a packet socket */
};

struct format {
	enum mirror_format number;
	const char *name;
	enum carrier carrier;
	uint8_t proto; /* IP protocol of the outer packet, 0 with CARRIER_DEVICE */
	uint16_t port; /* UDP destination port by default */
	uint32_t id_max; /* 0: the format has no ID */
	bool l3; /* carries IP packets, not frames */
	bool tags; /* adds a VLAN tag */
};

/* NULL: there is no such format. */
const struct format *format_of(unsigned int number);
const struct format *format_find(const char *name);

/* String literals for help and errors: "gue, vxlan, ...", and "gue|vxlan|..." for tables of options. */
#define FORMAT_NAME(separator, ID, name, ...) separator #name
#define FORMAT_NAMES MIRROR_FORMATS(FORMAT_NAME, ", ")
#define FORMAT_CHOICES MIRROR_FORMATS(FORMAT_NAME, "|")
