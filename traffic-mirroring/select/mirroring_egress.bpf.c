// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* traffic-mirroring for packets that an interface sends. */
#define DIRECTION egress
#define RECORD_DIRECTION RECORD_EGRESS
#include "select.bpf.h"
