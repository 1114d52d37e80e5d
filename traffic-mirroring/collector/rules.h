/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The rules of the replay as text. */
#pragma once

#include "replay/replay.h"

/*
 * Adds "PORT=TARGETS". A target is http://HOST[:PORT] or https://HOST[:PORT]; where bytes are replayed,
 * HOST:PORT. Commas separate those that connections are spread over, plus signs groups that each get all of
 * them. 0, -EINVAL, or another negative errno after log_error().
 */
int rules_read(const char *text, bool tcp, struct replay_options *options);
