/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../../common/clock.h"
#include "counters/tally.h"
#include "interfaces.h"
#include "ring_memory.h"

#define RING (8U << 20)
#define LARGE (512U << 10) /* what is written without waiting for more */
#define FILES_AHEAD 64 /* files that may begin within the ring */

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
	struct output output; /* of the thread */
};

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
		err = begins ? output_next(&w->output) : 0;
		if (!err)
			err = output_write(&w->output, w->ring + w->written % RING, end - w->written);
		pthread_mutex_lock(&w->lock);
		w->opened += begins;
		w->written = end;
	}
	pthread_mutex_unlock(&w->lock);
	err = err ?: output_end(&w->output);
	pthread_mutex_lock(&w->lock);
	w->failed = err;
	pthread_mutex_unlock(&w->lock);
	if (err && w->options.failed >= 0)
		eventfd_write(w->options.failed, 1);
	return NULL;
}

static bool is_due(const struct writer *w)
{
	const struct writer_options *o = &w->options;

	if (o->rotate_bytes && w->put - w->begun >= o->rotate_bytes)
		return true;
	return o->rotate_seconds && clock_ns(CLOCK_MONOTONIC) - w->begun_ns >= o->rotate_seconds * SECOND_NS;
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

/* Bytes in the ring, or 0 after an error. */
static uint64_t waiting(struct writer *w)
{
	uint64_t bytes;

	pthread_mutex_lock(&w->lock);
	bytes = w->failed ? 0 : w->put - w->written;
	pthread_mutex_unlock(&w->lock);
	return bytes;
}

bool writer_ready(struct writer *w)
{
	return waiting(w) <= RING / 2;
}

bool writer_empty(struct writer *w)
{
	return !waiting(w);
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
	if (!w->options.output.series)
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
			output_give_up(&w->output);
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
	output_close(&w->output);
	ring_memory_unmap(w->ring, RING);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
	return err;
}

/* The first file, whose head tells at once whether it can be written. */
static int open_first(struct writer *w)
{
	int err = output_open(&w->output, &w->options.output) ?: ring_memory_map(RING, &w->ring);

	if (err)
		return err;
	begin_file(w);
	w->opened++;
	err = output_write(&w->output, w->ring, w->put);
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
