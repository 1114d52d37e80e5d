/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options of delivery (../abi/options.h). */
#ifndef MIRRORING_DELIVERY_OPTIONS_H
#define MIRRORING_DELIVERY_OPTIONS_H

#include "../abi/maps.h"
#include "../wire/formats.h"

/* What each takes, as --help shows it: the name of its value, help. */
#define OPTION_TUNNEL_INTERFACE "DEV", "kernel device that copies leave by"
#define OPTION_REDIRECT_TO "NIC", "NIC to the collectors; alone: copies leave by it as they are"
#define OPTION_TUNNEL_TYPE "FORMAT", FORMAT_NAMES " (gue)"
#define OPTION_TUNNEL_REMOTE_ADDRESS "LIST", "collectors: ADDRESS or ADDRESS@WEIGHT"
#define OPTION_TUNNEL_ID "ID", "VNI of vxlan and geneve, session of erspan, VLAN ID"
#define OPTION_TUNNEL_LOCAL_ADDRESS "ADDRESS", "source address of copies"
#define OPTION_TUNNEL_LOCAL_PORT "PORT", "source port of copies; by default several"
#define OPTION_TUNNEL_REMOTE_PORT "PORT", "UDP port of the collectors"
#define OPTION_TUNNEL_METADATA "on|off", "geneve: filter, direction, length, time as options"
#define OPTION_GATEWAY "ADDRESS", "gateway to the collectors"
#define OPTION_SNAPLEN "BYTES", "bytes of each copy, 0: all"
#define OPTION_OVERSIZE "POLICY", "copies larger than the path: truncate (default), drop, fragment"
#define OPTION_TTL "HOPS", "TTL or hop limit of copies"
#define OPTION_DSCP "DSCP", "DSCP of copies, 0 to 63"

/* Their names, without the dashes; NULL for OPT_FILTERS. */
extern const char *const delivery_option_names[OPT_COUNT];

#endif
