/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef MIRRORING_TEXT_H
#define MIRRORING_TEXT_H

/*
 * The whole of a file, "-": of standard input, as a malloc'ed string. 0 or a negative errno; -EILSEQ: it holds
 * a NUL byte.
 */
int text_read_file(const char *path, char **text);

#endif
