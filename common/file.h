/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#define FILE_MAX_MIB 64

/*
 * The whole of a regular file, "-": of standard input, of at most FILE_MAX_MIB, as a malloc'ed string without
 * NUL bytes. Anything else at that path could keep the caller waiting. option: names it in messages. 0 or a
 * negative errno, after log_error().
 */
int file_read(const char *option, const char *path, char **text);
