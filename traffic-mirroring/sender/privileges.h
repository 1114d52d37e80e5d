/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the sender gives up as soon as its maps, rings and sockets are open: everything. */
#ifndef MIRRORING_PRIVILEGES_H
#define MIRRORING_PRIVILEGES_H

/* Becomes nobody, for good. 0 or a negative errno, after log_error(). */
int privileges_drop(void);

#endif
