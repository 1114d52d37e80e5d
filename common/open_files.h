/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

/* Lets this process have as many files open as it may: 65,536, or what the hard limit allows. */
void open_files_raise(void);

/* Closes all but stdin, stdout and stderr: the caller's files, and its locks, would stay as long as we do. */
void open_files_close_inherited(void);
