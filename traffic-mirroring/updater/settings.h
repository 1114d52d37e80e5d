/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options that hold for the whole host. */
#ifndef MIRRORING_SETTINGS_H
#define MIRRORING_SETTINGS_H

#include "host_maps.h"
#include "request.h"

/* Reads --max-rate into a struct request: a rate, or "off". 0 or -EINVAL. */
int settings_read_rate(const char *text, void *request);

struct settings_change settings_of(const struct request *request);

#endif
