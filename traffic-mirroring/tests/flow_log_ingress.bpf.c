// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define FLOW_LOG(name) flow_log_ingress_##name
#include "flow_log.bpf.h"
