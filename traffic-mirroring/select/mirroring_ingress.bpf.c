// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* traffic-mirroring for packets that an interface receives. */
#define DIRECTION ingress
#define RECORD_DIRECTION 0
#include "select.bpf.h"
