// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "direction.h"

const char *const direction_names[DIRECTIONS] = { [INGRESS] = "ingress", [EGRESS] = "egress" };
