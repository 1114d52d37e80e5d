/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* `mirror-sender --status`: one page for people, from the pinned maps. */
#ifndef MIRRORING_REPORT_H
#define MIRRORING_REPORT_H

#include <stdbool.h>

/* Prints the page. *running: whether there is a sender. 0 or a negative errno, after log_error(). */
int report_print(bool *running);

#endif
