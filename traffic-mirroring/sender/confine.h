/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The system calls that the sender needs once it has opened everything: no other is possible any more. */
#pragma once

/*
 * Another system call of any thread ends the process from now on. 0 or a negative errno, after log_error().
 */
int confine(void);
