/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The state of the host's sender, from the pinned maps. */
#pragma once

#include <stdbool.h>

#include <json-c/json.h>

/* For `mirroring status --json`; NULL on a host without rings. */
struct json_object *sender_status_json(void);

/* For `mirror-sender --status`. *running: a sender runs. 0 or a negative errno, after log_error(). */
int sender_status_print(bool *running);
