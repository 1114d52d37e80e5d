/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A TAP device that delivers the copies like a NIC; this machine's network stack does not see them. */
#pragma once

#include <stdint.h>

struct tap;

/* Opens the device, creating it if it does not exist, and sets it up. 0 or -errno. */
int tap_open(const char *name, uint32_t queues, struct tap **tap);

/* Delivers one frame, in the calling thread's queue: a thread keeps its one. 0 or -errno. */
int tap_frame(struct tap *tap, const uint8_t *frame, uint32_t len);

/* NULL is fine. */
void tap_close(struct tap *tap);
