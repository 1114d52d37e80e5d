/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A network namespace with nothing but lo. */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

/* The test process moves to a new one; without the privilege for that the test is skipped. */
void loopback_enter(void);

#endif
