/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* `mirror-sender --status`: one page for people, from the pinned maps. */
#ifndef MIRRORING_SENDER_STATUS_H
#define MIRRORING_SENDER_STATUS_H

#include <stdbool.h>

/* Prints the page. *running: whether there is a sender. 0 or a negative errno, after log_error(). */
int sender_status_print(bool *running);

#endif
