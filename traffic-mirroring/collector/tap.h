/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A TAP device that delivers the copies like a NIC; this machine's network stack does not see them. */
#ifndef COLLECTOR_TAP_H
#define COLLECTOR_TAP_H

#include <stdint.h>

/* Opens the device, creating it if it does not exist, and sets it up. The file descriptor, or -errno. */
int tap_open(const char *name);

/* Delivers one frame. 0 or -errno. */
int tap_frame(int tap, const uint8_t *frame, uint32_t len);

#endif
