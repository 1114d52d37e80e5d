/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>

/*
 * A negative errno as text, good until the next call. A refusal names the capabilities that this process
 * lacks: for -EPERM those that BPF and networking ask for or, if it has these, CAP_SYS_ADMIN, which opens
 * objects without pins; for -EACCES the one for files of others.
 */
const char *error_text(int error);

/* The same, but first of all names another capability, which error_text.c must have a name for. */
const char *error_text_without(int error, int capability);

/* Whether this process has it, in effect. */
bool capability_held(int capability);
