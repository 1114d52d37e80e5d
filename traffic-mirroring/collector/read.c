/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "read.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/log.h"
#include "../wire/bytes.h"
#include "../wire/formats.h"
#include "counters/tally.h"
#include "packets.h"

#define BATCH 1024 /* packets, before the outputs are woken */
#define WAIT_MS 5 /* for outputs */

struct reader {
	const struct receive_options *listen;
	uint32_t count;
	struct packets *packets[READ_MAX];
};

int read_open(const struct read_options *options, const struct receive_options *listen,
	      struct reader **reader)
{
	struct reader *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r) {
		log_error("no memory for reading");
		return -ENOMEM;
	}
	r->listen = listen;
	for (; r->count < options->count && !err; r->count++)
		err = packets_open_file(options->path[r->count], &r->packets[r->count]);
	if (err) {
		read_close(r);
		return err;
	}
	*reader = r;
	return 0;
}

void read_close(struct reader *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->count; i++)
		packets_close(r->packets[i]);
	free(r);
}

/* What a socket of this listener receives begins there; 0: nothing. */
static uint32_t begin_of(const struct listen *l, const struct capture *c, const struct headers *h)
{
	if (h->proto != l->format->proto || h->fragment != FRAGMENT_NONE)
		return 0;
	if (l->format->carrier == CARRIER_UDP)
		return h->data && get16(c->at + h->l4 + 2) == l->port ? h->data : 0;
	if (!h->l4 || c->len < h->l4 + 4)
		return 0;
	return (get16(c->at + h->l4 + 2) == ETHERTYPE_ERSPAN) == (l->format->number == FORMAT_ERSPAN) ?
		       h->l4 :
		       0;
}

static struct address address_at(const struct headers *h, const uint8_t *at)
{
	struct address a = { .family = h->family == 4 ? AF_INET : AF_INET6 };

	memcpy(a.bytes, at, h->family == 4 ? 4 : 16);
	return a;
}

bool read_listens(const struct listen *l, const struct datagram *frame, struct datagram *d)
{
	const struct capture c = { frame->at, frame->len, frame->wire_len };
	struct address to;
	struct headers h;
	uint32_t begin;

	*d = *frame;
	d->format = l->format->number;
	if (l->format->carrier == CARRIER_DEVICE)
		return true;
	headers_parse(&c, false, &h);
	begin = begin_of(l, &c, &h);
	if (!begin)
		return false;
	to = address_at(&h, c.at + h.dst);
	if (l->address.family && memcmp(&l->address, &to, sizeof(to)))
		return false;
	d->source = address_at(&h, c.at + h.src);
	d->at += begin;
	d->len = (c.len < h.end ? c.len : h.end) - begin;
	d->wire_len = h.end - begin;
	return true;
}

/* The packet itself, or what the first of the listeners receives of it. */
static bool find_copy(const struct receive_options *listen, const struct datagram *frame, struct datagram *d)
{
	*d = *frame;
	for (uint32_t i = 0; i < listen->count; i++)
		if (read_listens(&listen->listen[i], frame, d))
			return true;
	return !listen->count;
}

static bool stopped(int stop, int ms)
{
	struct pollfd event = { .fd = stop, .events = POLLIN };

	return poll(&event, 1, ms) == 1;
}

/* Returns whether to go on. */
static bool wait_for_outputs(bool (*ready)(struct pipeline *), struct pipeline *p, int stop)
{
	while (!ready(p)) {
		pipeline_pause(p, true);
		if (stopped(stop, WAIT_MS))
			return false;
	}
	return true;
}

static int take(const struct receive_options *listen, const struct datagram *frame, struct pipeline *p)
{
	struct datagram d;

	tally(TALLY_DATAGRAMS);
	if (find_copy(listen, frame, &d))
		return pipeline_datagram(p, &d);
	tally(TALLY_OTHER);
	return 0;
}

/* 0 at the end of the file or when it was told to stop. */
static int read_packets(struct reader *r, struct packets *packets, int stop, struct pipeline *p)
{
	struct datagram frame;
	int err = 0;

	for (uint32_t n = 1; !err; n++) {
		enum packets_result result = packets_next(packets, &frame);

		if (result == PACKETS_END || result == PACKETS_FAILED)
			return result == PACKETS_FAILED;
		if (result == PACKETS_ONE && wait_for_outputs(pipeline_ready, p, stop))
			err = take(r->listen, &frame, p);
		if (n % BATCH && result == PACKETS_ONE)
			continue;
		err = err ?: pipeline_pause(p, false);
		if (stopped(stop, 0))
			break;
	}
	return err;
}

int read_run(struct reader *r, int stop, struct pipeline *p)
{
	int err = 0;

	for (uint32_t i = 0; i < r->count && !err; i++)
		err = read_packets(r, r->packets[i], stop, p);
	if (err < 0 || stopped(stop, 0))
		return err;
	pipeline_finish(p);
	wait_for_outputs(pipeline_finished, p, stop);
	return err;
}
