/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The two directions of an interface, as l3afd and the pins name them. */
#pragma once

enum direction { INGRESS, EGRESS, DIRECTIONS };
extern const char *const direction_names[DIRECTIONS];
