/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef L3AF_FILE_H
#define L3AF_FILE_H

/*
 * The whole of a file, "-": of standard input, as a malloc'ed string. 0 or a negative errno; -EILSEQ: it
 * holds a NUL byte.
 */
int file_read(const char *path, char **text);

#endif
