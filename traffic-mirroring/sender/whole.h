/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* GSO packets that leave a device whole: what the kernel must know to segment them, or let the NIC do it. */
#pragma once

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#include "../wire/split.h"

/* Before each frame that a socket with PACKET_VNET_HDR sends. */
#define WHOLE_HEADER sizeof(struct virtio_net_hdr)

/* Whether the kernel takes datagrams to segment: from Linux 6.2 on. */
bool whole_takes_udp(void);

/* For a GSO packet that split_whole() accepts; its layer 4 begins at this offset of the frame. */
struct virtio_net_hdr whole_describe(const struct split *s, uint32_t l4);
