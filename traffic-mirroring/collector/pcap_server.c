/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "pcap_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/clock.h"
#include "counters/tally.h"
#include "pcapfile.h"
#include "ring_memory.h"

#define RING PCAP_SERVER_BUFFER
#define CHUNK (PCAPFILE_SNAPLEN_MAX + PCAPFILE_MAX) /* the largest record fits */
#define LARGE (256U << 10) /* what is sent without waiting for more */
#define WAIT_MS 10 /* between two looks at the time, when it must end */
#define RETRY_MS 10 /* while there are too many open files */

/* Events after those of the clients. */
enum { WAKE = PCAP_SERVER_CLIENTS, LISTENER };

/* A place between two records in the stream of bytes that goes through the ring. */
struct place {
	uint64_t at, number; /* of bytes and of records before it */
};

struct client {
	int fd;
	struct place next; /* what it gets after its chunk */
	uint32_t sent, len; /* of the chunk */
	uint8_t chunk[CHUNK]; /* whole records, so that the ring may overwrite them */
};

struct pcap_server {
	int listener;
	int wake; /* an eventfd */
	uint32_t snaplen;
	pthread_t thread;
	bool started;
	atomic_uint clients; /* without them nothing goes into the ring */
	_Atomic uint64_t end_ns; /* 0: it goes on */
	pthread_mutex_t lock; /* of all that follows, up to woken */
	uint8_t *ring;
	struct place oldest, end; /* of what is in the ring */
	uint64_t woken; /* the position up to which the thread has been told */
	struct client *client[PCAP_SERVER_CLIENTS]; /* of the thread */
};

static uint32_t record_len(const struct pcap_server *s, const struct place *place)
{
	return pcapfile_record_len(s->ring + place->at % RING);
}

static void advance(const struct pcap_server *s, struct place *place)
{
	place->at += record_len(s, place);
	place->number++;
}

static void put(struct pcap_server *s, const struct copy *p)
{
	const struct pcapfile_format *format = &pcapfile_pcap_us;
	const struct pcapfile_packet record = {
		.time_ns = p->time_ns,
		.len = p->frame.len < s->snaplen ? p->frame.len : s->snaplen,
		.wire_len = p->frame.wire_len,
	};
	uint8_t *to = s->ring + s->end.at % RING;

	while (s->end.at - s->oldest.at + record.len + PCAPFILE_MAX > RING)
		advance(s, &s->oldest);
	to += format->begin(to, &record);
	memcpy(to, p->frame.at, record.len);
	advance(s, &s->end);
}

static bool has_clients(const struct pcap_server *s)
{
	return atomic_load_explicit(&s->clients, memory_order_relaxed);
}

/* With the lock. */
static void wake(struct pcap_server *s)
{
	s->woken = s->end.at;
	eventfd_write(s->wake, 1);
}

void pcap_server_packet(struct pcap_server *s, const struct copy *p)
{
	if (!has_clients(s))
		return;
	pthread_mutex_lock(&s->lock);
	put(s, p);
	if (s->end.at - s->woken >= LARGE)
		wake(s);
	pthread_mutex_unlock(&s->lock);
}

void pcap_server_flush(struct pcap_server *s)
{
	if (!has_clients(s))
		return;
	pthread_mutex_lock(&s->lock);
	if (s->end.at != s->woken)
		wake(s);
	pthread_mutex_unlock(&s->lock);
}

/* Gives a client whole records, if there are any. */
static void fill_chunk(struct pcap_server *s, struct client *c)
{
	uint64_t first;

	c->sent = c->len = 0;
	pthread_mutex_lock(&s->lock);
	if (c->next.at < s->oldest.at) {
		tally_add(TALLY_UNSERVED, s->oldest.number - c->next.number);
		c->next = s->oldest;
	}
	first = c->next.number;
	while (c->next.at != s->end.at && c->len + record_len(s, &c->next) <= CHUNK) {
		c->len += record_len(s, &c->next);
		advance(s, &c->next);
	}
	memcpy(c->chunk, s->ring + (c->next.at - c->len) % RING, c->len);
	pthread_mutex_unlock(&s->lock);
	tally_add(TALLY_SERVED, c->next.number - first);
}

static void end_client(struct pcap_server *s, struct client **client)
{
	close((*client)->fd);
	free(*client);
	*client = NULL;
	atomic_fetch_sub(&s->clients, 1);
}

/* One chunk at most: then it is another client's turn. Returns whether there is more to send. */
static bool serve_client(struct pcap_server *s, struct client **client)
{
	struct client *c = *client;
	ssize_t n;

	if (c->sent == c->len)
		fill_chunk(s, c);
	if (!c->len)
		return false;
	n = send(c->fd, c->chunk + c->sent, c->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		end_client(s, client);
		return false;
	}
	c->sent += n > 0 ? n : 0;
	return true;
}

static void set(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value)); /* at best: it works without */
}

static struct client *new_client(struct pcap_server *s, int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = fd;
	c->len = pcapfile_pcap_us.file(c->chunk, s->snaplen);
	pthread_mutex_lock(&s->lock);
	c->next = s->end;
	atomic_fetch_add(&s->clients, 1);
	pthread_mutex_unlock(&s->lock);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	tally(TALLY_PCAP_CLIENTS);
	return c;
}

/*
 * Whether the client will send no more. It may still read, as nc does without input, or may have gone: that
 * shows when the next copy is sent.
 */
static bool is_half_closed(const struct client *c)
{
	struct pollfd end = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&end, 1, 0) == 1;
}

/* A free slot, or, if there is none, that of a half-closed client; else NULL. */
static struct client **find_slot(struct pcap_server *s)
{
	struct client **slot = NULL;

	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++)
		if (!s->client[i])
			return &s->client[i];
		else if (!slot && is_half_closed(s->client[i]))
			slot = &s->client[i];
	if (slot)
		end_client(s, slot);
	return slot;
}

static void accept_client(struct pcap_server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	struct client **slot = fd >= 0 ? find_slot(s) : NULL;

	if (slot)
		*slot = new_client(s, fd);
	if (fd >= 0 && (!slot || !*slot)) {
		close(fd);
		tally(TALLY_PCAP_CLIENTS_REFUSED);
	}
	if (fd < 0)
		sleep_ms(RETRY_MS);
}

/* Sends what clients take, and sets the events to wait for. Returns whether there is more to send. */
static bool serve_clients(struct pcap_server *s, struct pollfd events[PCAP_SERVER_CLIENTS])
{
	bool any = false;

	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++) {
		bool more = s->client[i] && serve_client(s, &s->client[i]);

		events[i].fd = s->client[i] ? s->client[i]->fd : -1;
		events[i].events = more ? POLLOUT : 0;
		any |= more;
	}
	return any;
}

static void take_events(struct pcap_server *s, const struct pollfd events[PCAP_SERVER_CLIENTS + 2])
{
	eventfd_t times;

	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++)
		if (events[i].revents & (POLLHUP | POLLERR))
			end_client(s, &s->client[i]);
	if (events[WAKE].revents)
		eventfd_read(s->wake, &times);
	if (events[LISTENER].revents)
		accept_client(s);
}

static void *run(void *server)
{
	struct pcap_server *s = server;
	struct pollfd events[PCAP_SERVER_CLIENTS + 2] = {
		[WAKE] = { .fd = s->wake, .events = POLLIN },
		[LISTENER] = { .fd = s->listener, .events = POLLIN },
	};

	for (;;) {
		uint64_t end_ns = atomic_load(&s->end_ns);
		bool more = serve_clients(s, events);

		if (end_ns && (!more || clock_ns(CLOCK_MONOTONIC) >= end_ns))
			return NULL;
		poll(events, PCAP_SERVER_CLIENTS + 2, end_ns ? WAIT_MS : -1);
		take_events(s, events);
	}
}

int pcap_server_open(int listener, uint32_t snaplen, struct pcap_server **server)
{
	struct pcap_server *s = calloc(1, sizeof(*s));
	int err = s ? ring_memory_map(RING, &s->ring) : -ENOMEM;

	if (!err) {
		s->wake = eventfd(0, EFD_CLOEXEC);
		err = s->wake < 0 ? -errno : 0;
	}
	if (err) {
		if (s)
			ring_memory_unmap(s->ring, RING);
		free(s);
		close(listener);
		return err;
	}
	s->listener = listener;
	s->snaplen = snaplen;
	pthread_mutex_init(&s->lock, NULL);
	*server = s;
	return 0;
}

int pcap_server_start(struct pcap_server *s)
{
	int err = -pthread_create(&s->thread, NULL, run, s);

	s->started = !err;
	return err;
}

void pcap_server_close(struct pcap_server *s, uint64_t end_ns)
{
	if (!s)
		return;
	atomic_store(&s->end_ns, end_ns);
	eventfd_write(s->wake, 1);
	if (s->started)
		pthread_join(s->thread, NULL);
	for (int i = 0; i < PCAP_SERVER_CLIENTS; i++)
		if (s->client[i])
			end_client(s, &s->client[i]);
	close(s->wake);
	close(s->listener);
	ring_memory_unmap(s->ring, RING);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
