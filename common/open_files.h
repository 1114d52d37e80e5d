/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef L3AF_OPEN_FILES_H
#define L3AF_OPEN_FILES_H

/* Lets this process have as many files open as it may: 65,536, or what the hard limit allows. */
void open_files_raise(void);

#endif
