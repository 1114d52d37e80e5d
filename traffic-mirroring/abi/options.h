/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The options of delivery: O(ID, name). The enum of their texts in the options map, the updater's arguments
 * and the names that status prints are generated from this list. Its order is that of the map: append new
 * options. updater/delivery_options.h describes the value of each.
 */
#pragma once

#define MIRROR_OPTIONS(O)                                 \
	O(TUNNEL_INTERFACE, "tunnel-interface-name")      \
	O(REDIRECT_TO, "redirect-to")                     \
	O(TUNNEL_TYPE, "tunnel-type")                     \
	O(TUNNEL_REMOTE_ADDRESS, "tunnel-remote-address") \
	O(TUNNEL_ID, "tunnel-id")                         \
	O(TUNNEL_LOCAL_ADDRESS, "tunnel-local-address")   \
	O(TUNNEL_LOCAL_PORT, "tunnel-local-port")         \
	O(TUNNEL_REMOTE_PORT, "tunnel-remote-port")       \
	O(TUNNEL_METADATA, "tunnel-metadata")             \
	O(GATEWAY, "gtw-address")                         \
	O(SNAPLEN, "snaplen")                             \
	O(OVERSIZE, "oversize")                           \
	O(TTL, "ttl")                                     \
	O(DSCP, "dscp")                                   \
	O(ALLOW_SAME_DEVICE, "allow-same-device")         \
	O(FIRST, "first")                                 \
	O(FOR, "for")                                     \
	O(SEGMENT, "segment")                             \
	O(CLONE_ABOVE, "clone-above")
