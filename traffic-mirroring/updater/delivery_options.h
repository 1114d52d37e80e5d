/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options of delivery (../abi/options.h): what each takes, and its value. */
#pragma once

#include <stddef.h>

#include "../../common/address.h"
#include "../../common/args.h"
#include "../abi/host.h"
#include "../abi/maps.h"
#include "../host/collector.h"
#include "../wire/formats.h"
#include "first.h"
#include "legs.h"

/*
 * What each takes, as rows of a table of options (common/args.h). TO(member), for whoever makes a table of
 * them, says where the value goes: to the member of a struct delivery.
 */
#define DELIVERY_TUNNEL_INTERFACE                                                              \
	"DEV", "send copies out of this kernel device", DELIVERY_DEVICE, TO(tunnel_interface), \
		.section = "Delivery"
#define DELIVERY_REDIRECT_TO                                                                            \
	"NIC", "reach collectors through NIC; alone, send copies out of it unchanged", DELIVERY_DEVICE, \
		TO(redirect_to)
#define DELIVERY_TUNNEL_TYPE                                                                           \
	FORMAT_CHOICES, "send copies in this format (gue)", ARGS_CHOICE, .read = delivery_read_format, \
									 TO(format)
#define DELIVERY_TUNNEL_REMOTE_ADDRESS                                                                      \
	"LIST", "send copies to these collectors: ADDRESS[@WEIGHT]; + separates legs", DELIVERY_COLLECTORS, \
		TO(collectors)
#define DELIVERY_TUNNEL_ID                                                                                  \
	"ID", "set the VNI (vxlan, geneve), the session (erspan) or the VLAN ID", ARGS_NUMBER(0, 0xffffff), \
		TO(id)
#define DELIVERY_TUNNEL_LOCAL_ADDRESS \
	"ADDRESS", "set the source address of copies (by route)", DELIVERY_ADDRESS, TO(local_address)
#define DELIVERY_TUNNEL_LOCAL_PORT \
	"PORT", "set the source port of copies (several, by flow)", ARGS_NUMBER(1, 65535), TO(local_port)
#define DELIVERY_TUNNEL_REMOTE_PORT \
	"PORT", "set the UDP port of the collectors (by format)", ARGS_NUMBER(1, 65535), TO(port)
#define DELIVERY_TUNNEL_METADATA                                                     \
	"off|on", "geneve: add filter, direction, length and time as options (off)", \
		ARGS_READ(delivery_read_metadata, LEG_SWITCH_VALUES), TO(leg[LEG_METADATA])
#define DELIVERY_GATEWAY \
	"ADDRESS", "reach collectors through this gateway, with --redirect-to", DELIVERY_ADDRESS, TO(gateway)
#define DELIVERY_SNAPLEN                                                          \
	"BYTES", "copy at most BYTES of packets (0: all), headers[+N|+zero] (0)", \
		ARGS_READ(delivery_read_snaplen, LEG_SNAPLEN_VALUES), TO(leg[LEG_SNAPLEN])
#define DELIVERY_OVERSIZE                                                              \
	"truncate|drop|fragment", "handle copies larger than the path MTU (truncate)", \
		ARGS_READ(delivery_read_oversize, LEG_OVERSIZE_VALUES), TO(leg[LEG_OVERSIZE])
#define DELIVERY_SEGMENT                                                     \
	"off|on", "segment super-packets in dev and vlan copies, too (off)", \
		ARGS_READ(delivery_read_segment, LEG_SWITCH_VALUES), TO(leg[LEG_SEGMENT])
#define DELIVERY_CLONE_ABOVE                                                           \
	"BYTES", "clone larger packets to dev collectors, if order permits (0: none)", \
		ARGS_NUMBER(0, SNAPLEN_MAX), TO(clone_above)
#define DELIVERY_TTL \
	"HOPS", "set the TTL or hop limit of copies (kernel default)", ARGS_NUMBER(1, 255), TO(ttl)
#define DELIVERY_DSCP "DSCP", "set the DSCP of copies, 0 to 63 (0)", ARGS_NUMBER(0, 63), TO(dscp)

#define DELIVERY_FOR                                                                                 \
	"TIME", "end mirroring after TIME: 90s, 10m, 8h, 7d, off (off)", ARGS_TIME(1, 366L * 86400), \
		.also = "off", TO(seconds)
#define DELIVERY_ALLOW_SAME_DEVICE                                                              \
	"off|on", "permit bare copies on the mirrored device and its stack (off)", ARGS_CHOICE, \
		TO(allow_same_device)

#define DELIVERY_FIRST                                                                \
	"N", "copy the first N bytes (20K) or packets (10p) of flows, 0 for all (0)", \
		ARGS_READ(delivery_read_first, FIRST_WHAT), .also = "0", TO(first)

#define DELIVERY_DEVICE ARGS_READ(delivery_read_device, "a device name of 1 to 15 characters")
#define DELIVERY_ADDRESS ARGS_READ(delivery_read_address, "an IPv4 or IPv6 address")
#define DELIVERY_WEIGHTS "@WEIGHT from 0 to " ARGS_TEXT_OF(COLLECTOR_WEIGHT_MAX)
#define DELIVERY_ADDRESSES "up to " ARGS_TEXT_OF(MIRROR_MAX_COLLECTORS) " IPv4 or IPv6 addresses"
#define DELIVERY_LEGS "in up to " ARGS_TEXT_OF(MIRROR_MAX_LEGS) " legs (A+B)"
#define DELIVERY_COLLECTORS                                                                        \
	ARGS_READ(delivery_read_collector,                                                         \
		  DELIVERY_ADDRESSES ", each alone or with " DELIVERY_WEIGHTS ", " DELIVERY_LEGS), \
		.list = true

/* The values of all options, one member each. Zeros: not given. */
struct delivery {
	char tunnel_interface[MIRROR_NAME_LEN];
	char redirect_to[MIRROR_NAME_LEN];
	uint32_t format; /* enum mirror_format */
	struct delivery_collectors {
		size_t n; /* of all legs */
		struct {
			struct address address;
			uint32_t weight;
			uint32_t leg;
		} at[MIRROR_MAX_COLLECTORS];
	} collectors;
	uint32_t id;
	struct address local_address;
	uint32_t local_port;
	uint32_t port;
	struct address gateway;
	struct leg_values leg[LEG_OPTIONS];
	uint32_t ttl;
	uint32_t dscp;
	uint32_t allow_same_device;
	uint32_t seconds; /* until mirroring ends by itself */
	uint32_t first; /* as in struct mirror_filter */
	uint32_t clone_above; /* likewise */
};

/* Their names, without the dashes; NULL for OPT_FILTERS. */
extern const char *const delivery_option_names[OPT_COUNT];

/* What the table reads to: a member of struct delivery. */
int delivery_read_device(const char *text, void *to);
int delivery_read_format(const char *text, void *to);
int delivery_read_address(const char *text, void *to);
int delivery_read_collector(const char *text, void *to);
int delivery_read_snaplen(const char *text, void *to);
int delivery_read_oversize(const char *text, void *to);
int delivery_read_metadata(const char *text, void *to);
int delivery_read_segment(const char *text, void *to);
int delivery_read_first(const char *text, void *to);

/* Reads the texts of the options map. One that is damaged counts as not given, after log_error(). */
void delivery_parse(const struct mirror_options *texts, struct delivery *d);

/* Copies the value of an option. */
void delivery_copy_option(enum mirror_option option, struct delivery *to, const struct delivery *from);

/* Whether --tunnel-local-address, if given, is one of this host. 0, or a negative errno after log_error(). */
int delivery_check_local_address(const struct delivery *d);
