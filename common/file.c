// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int file_read(const char *path, char **text)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t room = 0;
	ssize_t n;
	int err = 0;

	*text = NULL;
	if (!file)
		return -errno;
	errno = 0;
	/* a delimiter that a text file does not hold: the whole file is one "line" */
	n = getdelim(text, &room, '\0', file);
	if (n < 0 && feof(file) && !ferror(file)) {
		free(*text);
		*text = strdup("");
		err = *text ? 0 : -ENOMEM;
	} else if (n < 0) {
		err = errno ? -errno : -EIO;
	} else if (!feof(file)) {
		err = -EILSEQ;
	}
	if (err) {
		free(*text);
		*text = NULL;
	}
	if (file != stdin)
		fclose(file);
	return err;
}
