/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options of delivery (../abi/options.h): what each takes, and its value. */
#ifndef MIRRORING_DELIVERY_OPTIONS_H
#define MIRRORING_DELIVERY_OPTIONS_H

#include <stddef.h>

#include "../../common/address.h"
#include "../abi/host.h"
#include "../abi/maps.h"
#include "../wire/formats.h"

#define SNAPLEN_MIN 14 /* an Ethernet header */
#define SNAPLEN_MAX 262144

/*
 * Per option: the name of its value in --help; help; how delivery_options.c reads it, and the member of struct delivery
 * where the value goes.
 */
#define DELIVERY_TUNNEL_INTERFACE "DEV", "kernel device that copies leave by", DEVICE(tunnel_interface)
#define DELIVERY_REDIRECT_TO \
	"NIC", "NIC to the collectors; alone: copies leave by it as they are", DEVICE(redirect_to)
#define DELIVERY_TUNNEL_TYPE "FORMAT", FORMAT_NAMES " (gue)", FORMAT(format)
#define DELIVERY_TUNNEL_REMOTE_ADDRESS "LIST", "collectors: ADDRESS or ADDRESS@WEIGHT", COLLECTORS(collectors)
#define DELIVERY_TUNNEL_ID \
	"ID", "VNI of vxlan and geneve, session of erspan, VLAN ID", NUMBER(0, 0xffffff, id)
#define DELIVERY_TUNNEL_LOCAL_ADDRESS "ADDRESS", "source address of copies", ADDRESS(local_address)
#define DELIVERY_TUNNEL_LOCAL_PORT \
	"PORT", "source port of copies; by default several", NUMBER(1, 65535, local_port)
#define DELIVERY_TUNNEL_REMOTE_PORT "PORT", "UDP port of the collectors", NUMBER(1, 65535, port)
#define DELIVERY_TUNNEL_METADATA \
	"on|off", "geneve: filter, direction, length, time as options", CHOICE(metadata, "off", "on")
#define DELIVERY_GATEWAY "ADDRESS", "gateway to the collectors", ADDRESS(gateway)
#define DELIVERY_SNAPLEN \
	"BYTES", "bytes of each copy, 0: all", NUMBER(SNAPLEN_MIN, SNAPLEN_MAX, snaplen), .or_zero = true
#define DELIVERY_OVERSIZE                                                                    \
	"POLICY", "copies larger than the path: truncate (default), drop, fragment",         \
		CHOICE(oversize, [OVERSIZE_TRUNCATE] = "truncate", [OVERSIZE_DROP] = "drop", \
		       [OVERSIZE_FRAGMENT] = "fragment")
#define DELIVERY_TTL "HOPS", "TTL or hop limit of copies", NUMBER(1, 255, ttl)
#define DELIVERY_DSCP "DSCP", "DSCP of copies, 0 to 63", NUMBER(0, 63, dscp)

/* The values of all options, one member each. Zeros: not given. */
struct delivery {
	char tunnel_interface[MIRROR_NAME_LEN];
	char redirect_to[MIRROR_NAME_LEN];
	uint32_t format; /* enum mirror_format */
	struct delivery_collectors {
		size_t n;
		struct {
			struct address address;
			uint32_t weight;
		} at[MIRROR_MAX_COLLECTORS];
	} collectors;
	uint32_t id;
	struct address local_address;
	uint32_t local_port;
	uint32_t port;
	uint32_t metadata;
	struct address gateway;
	uint32_t snaplen;
	uint32_t oversize; /* enum mirror_oversize */
	uint32_t ttl;
	uint32_t dscp;
};

/* Their names, without the dashes; NULL for OPT_FILTERS. */
extern const char *const delivery_option_names[OPT_COUNT];

/* Reads the text of an option into its member. 0, or -EINVAL after log_error(), with the member unspecified. */
int delivery_parse_option(enum mirror_option option, const char *text, struct delivery *d);

/* Reads the texts of the options map. One that is damaged counts as not given, after log_error(). */
void delivery_parse(const struct mirror_options *options, struct delivery *d);

/* Copies the value of an option. */
void delivery_copy_option(enum mirror_option option, struct delivery *to, const struct delivery *from);

/* Whether --tunnel-local-address, if given, is one of this host. 0, or a negative errno after log_error(). */
int delivery_check_local_address(const struct delivery *d);

#endif
