/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What code under test writes to stderr. */
#pragma once

void capture_start(void);

/* The text since capture_start(), valid until the next one. */
const char *capture_end(void);
