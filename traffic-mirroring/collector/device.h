/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Receives copies that arrive at a device as frames, in the formats dev and vlan. */
#pragma once

#include "receive.h"

struct device;

/* listen must outlive it. 0, or a negative errno after one log_error() line. */
int device_open(const struct listen *listen, uint32_t buffer, struct device **device);

/* Receives until stop (an eventfd) is readable. 0, the sink's negative result, or 1 after log_error(). */
int device_run(struct device *device, int stop, const struct receive_sink *sink);

void device_close(struct device *device); /* NULL is fine */
