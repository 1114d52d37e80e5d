/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "counters/tally.h"

#define RETRY_MS 100 /* while there are too many open files */

static int write_all(struct output *o, const uint8_t *at, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(o->fd, at + done, len - done);

		if (n < 0 && (errno != EINTR || atomic_load(&o->given_up)))
			return -errno;
		done += n < 0 ? 0 : n;
	}
	tally_add(TALLY_WRITTEN_BYTES, len);
	return 0;
}

static int compress(struct output *o, const uint8_t *at, size_t len, ZSTD_EndDirective directive)
{
	ZSTD_inBuffer in = { at, len, 0 };
	size_t left;
	int err;

	do {
		ZSTD_outBuffer out = { o->compressed, ZSTD_CStreamOutSize(), 0 };

		left = ZSTD_compressStream2(o->zstd, &out, &in, directive);
		err = ZSTD_isError(left) ? -EIO : write_all(o, o->compressed, out.pos);
	} while (left && !err);
	return err;
}

int output_write(struct output *o, const uint8_t *at, size_t len)
{
	return o->zstd ? compress(o, at, len, ZSTD_e_flush) : write_all(o, at, len);
}

int output_end(struct output *o)
{
	int err = o->zstd ? compress(o, NULL, 0, ZSTD_e_end) : 0;

	if (close(o->fd) && !err)
		err = -errno;
	o->fd = -1;
	return err;
}

/* Where ".pcapng" or ".pcapng.zst" begins; else the end of the path. */
static const char *suffix_of(const char *path)
{
	const char *base = strrchr(path, '/'), *suffix, *inner;

	base = base ? base + 1 : path;
	suffix = strrchr(base, '.');
	inner = suffix && !strcmp(suffix, ".zst") ? memrchr(base, '.', suffix - base) : NULL;
	suffix = inner ?: suffix;
	return suffix && suffix != path ? suffix : path + strlen(path);
}

static int file_name(const struct output *o, char name[PATH_MAX])
{
	const char *path = o->options.path, *suffix = suffix_of(path);
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int len;

	if (!gmtime_r(&now, &tm))
		return -EOVERFLOW;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	len = snprintf(name, PATH_MAX, "%.*s-%s-%05u%s", (int)(suffix - path), path, stamp, o->number,
		       suffix);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The next file of the series. Another run, within the same second, may have taken the name. */
static int open_next(struct output *o, char name[PATH_MAX])
{
	int err, fd;

	do {
		o->number++;
		err = file_name(o, name);
		fd = err ? err : open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	} while (!err && fd < 0 && errno == EEXIST);
	if (err || fd < 0)
		return err ? err : -errno;
	(void)!fchown(fd, o->options.owner, -1); /* works for root, whose file this user could not remove */
	return fd;
}

static int open_file(struct output *o)
{
	char name[PATH_MAX], *oldest;
	int fd;

	if (!strcmp(o->options.path, "-"))
		fd = dup(STDOUT_FILENO);
	else if (o->options.series)
		fd = open_next(o, name);
	else
		fd = open(o->options.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return o->options.series ? fd : -errno;
	o->fd = fd;
	tally(TALLY_FILES);
	if (!o->kept)
		return 0;
	oldest = o->kept[o->files++ % o->options.keep];
	if (*oldest)
		unlink(oldest); /* may have been removed already */
	memcpy(oldest, name, sizeof(name));
	return 0;
}

/* Replayed connections may have taken all descriptors: they come back, and copies wait in the ring. */
int output_next(struct output *o)
{
	int err = output_end(o);
	bool said = false;

	while (!err) {
		err = open_file(o);
		if ((err != -EMFILE && err != -ENFILE) || atomic_load(&o->given_up))
			break;
		if (!said)
			log_warn("cannot begin the next file: %s; trying again", strerror(-err));
		said = true;
		err = 0;
		sleep_ms(RETRY_MS);
	}
	return err;
}

static int prepare(struct output *o)
{
	if (o->options.series && o->options.keep) {
		o->kept = calloc(o->options.keep, sizeof(*o->kept));
		if (!o->kept)
			return -ENOMEM;
	}
	if (o->options.zstd) {
		o->compressed = malloc(ZSTD_CStreamOutSize());
		o->zstd = ZSTD_createCCtx();
		if (!o->compressed || !o->zstd)
			return -ENOMEM;
		ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1);
	}
	return 0;
}

int output_open(struct output *o, const struct output_options *options)
{
	*o = (struct output){ .options = *options, .fd = -1 };
	return prepare(o) ?: open_file(o);
}

void output_give_up(struct output *o)
{
	atomic_store(&o->given_up, true);
}

void output_close(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	ZSTD_freeCCtx(o->zstd);
	free(o->compressed);
	free(o->kept);
}
