// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "delivery_options.h"

#define NAME(ID, name) [OPT_##ID] = name,

const char *const delivery_option_names[OPT_COUNT] = { MIRROR_OPTIONS(NAME) };
