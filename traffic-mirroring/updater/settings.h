/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The options that hold for the whole host. */
#ifndef MIRRORING_SETTINGS_H
#define MIRRORING_SETTINGS_H

#include "host_maps.h"
#include "request.h"

/* 0, or -EINVAL after log_error(). */
int settings_parse(const struct request *request, struct settings_change *change);

#endif
