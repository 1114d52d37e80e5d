// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define SOME 65536
#define MOST ((size_t)FILE_MAX_MIB << 20)

/* size: what is expected, for a start. -EFBIG: more than MOST. */
static int read_all(int fd, size_t size, char **text)
{
	size_t room = 0, n = 0;
	ssize_t got = 1;
	char *grown;

	while (got) {
		if (room - n < 2) {
			room = n ? 2 * room : size + 2;
			grown = realloc(*text, room);
			if (!grown)
				return -ENOMEM;
			*text = grown;
		}
		got = read(fd, *text + n, room - n - 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		n += got > 0 ? got : 0;
		if (n > MOST)
			return -EFBIG;
	}
	(*text)[n] = '\0';
	return strlen(*text) < n ? -EILSEQ : 0;
}

int file_read(const char *option, const char *path, char **text)
{
	/* whoever opens a FIFO waits for its other end */
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : STDIN_FILENO, err = 0;
	struct stat st;

	*text = NULL;
	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (S_ISREG(st.st_mode) ? (size_t)st.st_size > MOST : fd != STDIN_FILENO)
		err = -EFBIG;
	else
		err = read_all(fd, S_ISREG(st.st_mode) ? (size_t)st.st_size : SOME, text);
	if (err == -EFBIG)
		log_error("%s: expected a regular file of at most %d MiB, got \"%s\"", option, FILE_MAX_MIB,
			  log_quote(path).text);
	else if (err)
		log_error("%s: %s: %s", option, path, strerror(-err));
	if (err) {
		free(*text);
		*text = NULL;
	}
	if (fd > STDIN_FILENO)
		close(fd);
	return err;
}
