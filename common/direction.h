/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The two directions of an interface, as l3afd and the pins name them. */
#ifndef L3AF_DIRECTION_H
#define L3AF_DIRECTION_H

enum direction { INGRESS, EGRESS, DIRECTIONS };
extern const char *const direction_names[DIRECTIONS];

#endif
