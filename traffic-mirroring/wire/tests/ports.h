/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Each tunnel on its own port. */
#pragma once

#include "../decap.h"

#define PORT(separator, ID, name, number, carrier, proto, port, ...) { port, FORMAT_##ID },
#define PORT_ONE(...) +1
static const struct decap_ports ports = { { MIRROR_TUNNELS(PORT, ) }, MIRROR_TUNNELS(PORT_ONE, ) };
