/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interfaces.h"
#include "counters/tally.h"

#define BUFFER (512 * 1024)

struct writer {
	struct writer_options options;
	const atomic_bool *give_up;
	pthread_mutex_t lock;
	int fd;
	int failed; /* -errno of a write, which is then the last one */
	uint64_t file_bytes;
	time_t file_begun;
	uint32_t files;
	char (*kept)[PATH_MAX]; /* names of the last files, number n at n % keep */
	struct interfaces interfaces;
	uint32_t used;
	uint8_t buffer[BUFFER];
};

static int flush(struct writer *w)
{
	uint32_t done = 0;

	while (!w->failed && done < w->used) {
		ssize_t n = write(w->fd, w->buffer + done, w->used - done);

		if (n < 0 && errno == EINTR && !atomic_load(w->give_up))
			continue;
		if (n < 0)
			w->failed = -errno;
		else
			done += n;
	}
	if (w->failed)
		return w->failed;
	w->file_bytes += w->used;
	tally_add(TALLY_WRITTEN_BYTES, w->used);
	w->used = 0;
	return 0;
}

static bool rotates(const struct writer *w)
{
	return w->options.rotate_bytes || w->options.rotate_seconds;
}

static int file_name(const struct writer *w, char name[PATH_MAX])
{
	const char *path = w->options.path, *base = strrchr(path, '/');
	const char *suffix = strrchr(base ? base + 1 : path, '.');
	char stamp[32];
	struct tm tm;
	int len;

	if (!suffix || suffix == path)
		suffix = path + strlen(path);
	if (!gmtime_r(&w->file_begun, &tm))
		return -EOVERFLOW;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	len = rotates(w) ? snprintf(name, PATH_MAX, "%.*s-%s-%05u%s", (int)(suffix - path), path, stamp,
				    w->files + 1, suffix) :
			   snprintf(name, PATH_MAX, "%s", path);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int open_file(struct writer *w)
{
	char name[PATH_MAX];
	int err;

	w->file_begun = time(NULL);
	if (!strcmp(w->options.path, "-")) {
		w->fd = dup(STDOUT_FILENO);
		return w->fd < 0 ? -errno : 0;
	}
	err = file_name(w, name);
	if (err)
		return err;
	w->fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (w->fd < 0)
		return -errno;
	if (w->kept) {
		char *oldest = w->kept[w->files % w->options.keep];

		if (*oldest)
			unlink(oldest); /* may have been removed already */
		memcpy(oldest, name, sizeof(name));
	}
	w->files++;
	return 0;
}

static int begin_file(struct writer *w)
{
	int err = open_file(w);

	if (err)
		return err;
	tally(TALLY_FILES);
	memset(&w->interfaces, 0, sizeof(w->interfaces));
	w->file_bytes = 0;
	w->used = w->options.format->file(w->buffer, w->options.snaplen);
	return flush(w); /* the reader of a pipe is waiting for it */
}

static int rotate(struct writer *w)
{
	uint64_t bytes = w->file_bytes + w->used;
	time_t age = time(NULL) - w->file_begun;
	int err;

	if ((!w->options.rotate_bytes || bytes < w->options.rotate_bytes) &&
	    (!w->options.rotate_seconds || age < (time_t)w->options.rotate_seconds))
		return 0;
	err = flush(w);
	if (!err && close(w->fd))
		err = -errno;
	w->fd = -1;
	return err ?: begin_file(w);
}

static uint32_t interface_of(struct writer *w, const struct copy *p)
{
	const struct interface_key key = { p->source, p->tunnel.format, p->tunnel.vni };
	char name[INTERFACES_NAME_MAX];
	uint32_t number;
	bool added;

	number = interfaces_number(&w->interfaces, &key, &added);
	if (added) {
		interfaces_name(&key, number, name);
		w->used += w->options.format->interface(w->buffer + w->used, name, w->options.snaplen);
	}
	return number;
}

static int put_packet(struct writer *w, const struct copy *p)
{
	const struct pcapfile_format *format = w->options.format;
	struct pcapfile_packet record = {
		.time_ns = p->time_ns,
		.len = p->frame.len < w->options.snaplen ? p->frame.len : w->options.snaplen,
		.wire_len = p->frame.wire_len,
	};
	int err = rotate(w);

	if (!err && BUFFER - w->used < record.len + 3 * PCAPFILE_MAX)
		err = flush(w);
	if (err)
		return err;
	if (p->tunnel.filter)
		record.direction = p->tunnel.egress ? PCAPFILE_OUTBOUND : PCAPFILE_INBOUND;
	if (format->interfaces)
		record.interface = interface_of(w, p);
	w->used += format->begin(w->buffer + w->used, &record);
	memcpy(w->buffer + w->used, p->frame.at, record.len);
	w->used += record.len;
	w->used += format->end(w->buffer + w->used, &record);
	tally(TALLY_WRITTEN);
	return 0;
}

int writer_packet(struct writer *w, const struct copy *p)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = put_packet(w, p);
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_flush(struct writer *w)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = flush(w);
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_close(struct writer *w)
{
	int err;

	if (!w)
		return 0;
	err = w->fd < 0 ? 0 : flush(w);
	if (w->fd >= 0 && close(w->fd) && !err)
		err = -errno;
	pthread_mutex_destroy(&w->lock);
	free(w->kept);
	free(w);
	return err;
}

int writer_open(const struct writer_options *options, const atomic_bool *give_up, struct writer **writer)
{
	struct writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->options = *options;
	w->give_up = give_up;
	w->fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	if (rotates(w) && options->keep)
		w->kept = calloc(options->keep, sizeof(*w->kept));
	err = rotates(w) && options->keep && !w->kept ? -ENOMEM : begin_file(w);
	if (err) {
		writer_close(w);
		return err;
	}
	*writer = w;
	return 0;
}
