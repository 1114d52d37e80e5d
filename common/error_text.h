/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/*
 * A negative errno as text. A refusal names the capabilities that this process lacks of those that BPF and
 * networking (-EPERM) or files of others (-EACCES) ask for. Good until the next call.
 */
const char *error_text(int error);
