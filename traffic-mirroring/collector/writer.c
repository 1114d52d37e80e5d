/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "../../common/log.h"
#include "counters/tally.h"
#include "interfaces.h"

#define RING (8U << 20)
#define LARGE (512U << 10) /* what is written without waiting for more */
#define FILES_AHEAD 64 /* files that may begin within the ring */
#define RETRY_MS 100 /* while there are too many open files */

struct writer {
	struct writer_options options;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of all that follows, up to failed */
	pthread_cond_t wake;
	bool flush, stop;
	uint8_t *ring; /* mapped twice in a row, so that no record wraps */
	uint64_t put, written; /* positions in the stream of bytes that goes through the ring */
	uint64_t begins[FILES_AHEAD]; /* where in the stream file n begins, at n % FILES_AHEAD */
	uint32_t announced, opened; /* files */
	uint64_t begun, begun_ns; /* position and time at which the file begins that is being filled */
	struct interfaces interfaces; /* of that file */
	int failed; /* -errno of a write, which is then the last one */
	atomic_bool give_up; /* a write that is interrupted has failed */
	int fd;
	uint32_t number; /* of the newest file's name */
	char (*kept)[PATH_MAX]; /* names of the last files, file n at n % keep */
};

static bool rotates(const struct writer *w)
{
	return w->options.rotate_bytes || w->options.rotate_seconds;
}

static int write_all(struct writer *w, const uint8_t *at, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(w->fd, at + done, len - done);

		if (n < 0 && (errno != EINTR || atomic_load(&w->give_up)))
			return -errno;
		done += n < 0 ? 0 : n;
	}
	tally_add(TALLY_WRITTEN_BYTES, len);
	return 0;
}

static int file_name(const struct writer *w, char name[PATH_MAX])
{
	const char *path = w->options.path, *base = strrchr(path, '/');
	const char *suffix = strrchr(base ? base + 1 : path, '.');
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int len;

	if (!suffix || suffix == path)
		suffix = path + strlen(path);
	if (!gmtime_r(&now, &tm))
		return -EOVERFLOW;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	len = snprintf(name, PATH_MAX, "%.*s-%s-%05u%s", (int)(suffix - path), path, stamp, w->number,
		       suffix);
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The next file of the series. Another run, within the same second, may have taken the name. */
static int open_next(struct writer *w, char name[PATH_MAX])
{
	int err, fd;

	do {
		w->number++;
		err = file_name(w, name);
		fd = err ? err : open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	} while (!err && fd < 0 && errno == EEXIST);
	if (err || fd < 0)
		return err ? err : -errno;
	(void)!fchown(fd, w->options.owner, -1); /* works for root, whose file this user could not remove */
	return fd;
}

static int open_file(struct writer *w)
{
	char name[PATH_MAX], *oldest;
	int fd;

	if (!strcmp(w->options.path, "-"))
		fd = dup(STDOUT_FILENO);
	else if (rotates(w))
		fd = open_next(w, name);
	else
		fd = open(w->options.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return rotates(w) ? fd : -errno;
	w->fd = fd;
	tally(TALLY_FILES);
	if (!w->kept || !w->options.keep)
		return 0;
	oldest = w->kept[w->opened % w->options.keep];
	if (*oldest)
		unlink(oldest); /* may have been removed already */
	memcpy(oldest, name, sizeof(name));
	return 0;
}

/* Replayed connections may have taken all descriptors: they come back, and copies wait in the ring. */
static int next_file(struct writer *w)
{
	int err = close(w->fd) ? -errno : 0;
	bool said = false;

	w->fd = -1;
	while (!err) {
		err = open_file(w);
		if ((err != -EMFILE && err != -ENFILE) || atomic_load(&w->give_up))
			break;
		if (!said)
			log_warn("cannot begin the next file: %s; trying again", strerror(-err));
		said = true;
		err = 0;
		sleep_ms(RETRY_MS);
	}
	return err;
}

/* Announces a file that begins here, and puts its head into the ring, which has room. */
static void begin_file(struct writer *w)
{
	w->begins[w->announced++ % FILES_AHEAD] = w->put;
	w->begun = w->put;
	w->begun_ns = clock_ns(CLOCK_MONOTONIC);
	memset(&w->interfaces, 0, sizeof(w->interfaces));
	w->put += w->options.format->file(w->ring + w->put % RING, w->options.snaplen);
}

static void *run(void *writer)
{
	struct writer *w = writer;
	int err = 0;

	pthread_mutex_lock(&w->lock);
	while (!err) {
		bool begins = w->opened < w->announced && w->begins[w->opened % FILES_AHEAD] == w->written;
		uint64_t end = w->opened + begins < w->announced ?
				       w->begins[(w->opened + begins) % FILES_AHEAD] :
				       w->put;

		if (w->written == w->put && w->stop)
			break;
		if (w->written == w->put || (!w->flush && !w->stop && w->put - w->written < LARGE)) {
			w->flush &= w->written != w->put;
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		err = begins ? next_file(w) : 0;
		if (!err)
			err = write_all(w, w->ring + w->written % RING, end - w->written);
		pthread_mutex_lock(&w->lock);
		w->opened += begins;
		w->written = end;
	}
	w->failed = err;
	pthread_mutex_unlock(&w->lock);
	if (err && w->options.failed >= 0)
		eventfd_write(w->options.failed, 1);
	return NULL;
}

static bool is_due(const struct writer *w)
{
	uint64_t age_ns = clock_ns(CLOCK_MONOTONIC) - w->begun_ns;

	return (w->options.rotate_bytes && w->put - w->begun >= w->options.rotate_bytes) ||
	       (w->options.rotate_seconds && age_ns >= w->options.rotate_seconds * SECOND_NS);
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
		w->put += w->options.format->interface(w->ring + w->put % RING, name, w->options.snaplen);
	}
	return number;
}

static void put_packet(struct writer *w, const struct copy *p)
{
	const struct pcapfile_format *format = w->options.format;
	struct pcapfile_packet record = {
		.time_ns = p->time_ns,
		.len = p->frame.len < w->options.snaplen ? p->frame.len : w->options.snaplen,
		.wire_len = p->frame.wire_len,
	};

	if (RING - (w->put - w->written) < record.len + 4 * PCAPFILE_MAX) {
		tally(TALLY_UNWRITTEN);
		return;
	}
	if (is_due(w) && w->announced - w->opened < FILES_AHEAD)
		begin_file(w);
	if (p->tunnel.filter)
		record.direction = p->tunnel.egress ? PCAPFILE_OUTBOUND : PCAPFILE_INBOUND;
	if (format->interfaces)
		record.interface = interface_of(w, p);
	w->put += format->begin(w->ring + w->put % RING, &record);
	memcpy(w->ring + w->put % RING, p->frame.at, record.len);
	w->put += record.len;
	w->put += format->end(w->ring + w->put % RING, &record);
	tally(TALLY_WRITTEN);
	if (w->put - w->written >= LARGE)
		pthread_cond_signal(&w->wake);
}

int writer_packet(struct writer *w, const struct copy *p)
{
	int err;

	pthread_mutex_lock(&w->lock);
	err = w->failed;
	if (!err)
		put_packet(w, p);
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_flush(struct writer *w)
{
	int err;

	pthread_mutex_lock(&w->lock);
	w->flush = true;
	pthread_cond_signal(&w->wake);
	err = w->failed;
	pthread_mutex_unlock(&w->lock);
	return err;
}

int writer_rotate(struct writer *w)
{
	if (!rotates(w))
		return -EINVAL;
	pthread_mutex_lock(&w->lock);
	if (w->announced - w->opened < FILES_AHEAD && RING - (w->put - w->written) >= PCAPFILE_MAX)
		begin_file(w);
	pthread_mutex_unlock(&w->lock);
	return writer_flush(w);
}

/* A write to a pipe without an active reader has no end of its own. */
static void join(struct writer *w, uint64_t end_ns)
{
	while (pthread_tryjoin_np(w->thread, NULL)) {
		if (clock_ns(CLOCK_MONOTONIC) >= end_ns) {
			atomic_store(&w->give_up, true);
			pthread_kill(w->thread, SIGUSR1);
		}
		sleep_ms(5);
	}
}

int writer_close(struct writer *w, uint64_t end_ns)
{
	int err;

	if (!w)
		return 0;
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		join(w, end_ns);
	}
	err = w->failed;
	if (w->fd >= 0 && close(w->fd) && !err)
		err = -errno;
	if (w->ring)
		munmap(w->ring, 2 * RING);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w->kept);
	free(w);
	return err;
}

static int map_ring(struct writer *w)
{
	int fd = memfd_create("mirror-collector", MFD_CLOEXEC), err = 0;
	uint8_t *at = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, RING))
		at = mmap(NULL, 2 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		err = -errno;
	for (int half = 0; half < 2 && !err; half++)
		if (mmap(at + half * (size_t)RING, RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			err = -errno;
	if (fd >= 0)
		close(fd);
	w->ring = at == MAP_FAILED ? NULL : at;
	return err;
}

/* The first file, whose head tells at once whether it can be written. */
static int open_first(struct writer *w)
{
	int err = map_ring(w);

	if (!err && w->options.keep && rotates(w)) {
		w->kept = calloc(w->options.keep, sizeof(*w->kept));
		err = w->kept ? 0 : -ENOMEM;
	}
	if (!err)
		err = open_file(w);
	if (err)
		return err;
	begin_file(w);
	w->opened++;
	err = write_all(w, w->ring, w->put);
	w->written = w->put;
	return err;
}

int writer_open(const struct writer_options *options, struct writer **writer)
{
	struct writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->options = *options;
	w->fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	err = open_first(w);
	if (err) {
		writer_close(w, 0);
		return err;
	}
	*writer = w;
	return 0;
}

int writer_start(struct writer *w)
{
	int err = -pthread_create(&w->thread, NULL, run, w);

	w->started = !err;
	return err;
}
