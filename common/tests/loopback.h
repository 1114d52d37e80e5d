/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* A set-up: moves the test into a network namespace of its own, with a loopback device. */
int loopback(void **state);
