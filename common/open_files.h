/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* Lets this process have as many files open as it may: 65,536, or what the hard limit allows. */
void open_files_raise(void);
