// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "ring.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../wire/prefetch.h"

/* The kernel's header of a ring buffer's record: its length with two flags, and a word for its own use. */
#define HEADER BPF_RINGBUF_HDR_SZ
#define FLAGS (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)

#define AHEAD 4096 /* bytes being prefetched while a record is processed */

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int open_near(struct ring *r, int fd)
{
	struct mirror_near *near = mmap(NULL, sizeof(*near), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (near == MAP_FAILED)
		return -errno;
	*r = (struct ring){
		.fd = fd,
		.near = near,
		.consumer = (uint64_t *)&near->tail,
		.producer = (uint64_t *)&near->head,
		.data = near->data,
		.size = NEAR_SIZE,
	};
	return 0;
}

static int open_ringbuf(struct ring *r, int fd, size_t size)
{
	size_t page = page_size();
	void *consumer, *producer;
	int err;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, page);
	if (producer == MAP_FAILED) {
		err = -errno;
		munmap(consumer, page);
		return err;
	}
	*r = (struct ring){
		.fd = fd,
		.consumer = consumer,
		.producer = producer,
		.data = (uint8_t *)producer + page,
		.size = size,
	};
	return 0;
}

int ring_open(struct ring *r, int fd)
{
	struct bpf_map_info info;
	int err = bpf_info_map(fd, &info);

	if (err)
		return err;
	if (info.type == BPF_MAP_TYPE_RINGBUF)
		err = open_ringbuf(r, fd, info.max_entries);
	else if (info.value_size == sizeof(struct mirror_near))
		err = open_near(r, fd);
	else
		err = -EINVAL;
	if (!err)
		r->produced = r->position = *r->consumer;
	return err;
}

void ring_close(struct ring *r)
{
	size_t page = page_size();

	if (r->near) {
		munmap((void *)r->near, sizeof(*r->near));
	} else {
		munmap(r->consumer, page);
		munmap((void *)r->producer, page + 2 * r->size);
	}
	close(r->fd);
}

/* What begins at the position: a record, or the kernel's header before it. */
static const void *at(const struct ring *r)
{
	return r->data + (r->position & (r->size - (r->near ? NEAR_ALIGN : 1)));
}

/* The record at the position of a ring buffer; NULL: it is unfinished, or was discarded. */
static const struct mirror_record *buffered(const struct ring *r, bool *unfinished)
{
	uint32_t length = __atomic_load_n((const uint32_t *)at(r), __ATOMIC_ACQUIRE);

	*unfinished = length & BPF_RINGBUF_BUSY_BIT;
	if (length & FLAGS || length < sizeof(struct mirror_record))
		return NULL;
	return (const void *)((const uint8_t *)at(r) + HEADER);
}

/*
 * Whether the producer has come further. If not, what comes next gets its time after now: a place in a ring
 * buffer is taken before the time is, and a primary ring is busy before. Hence busy is read before the head,
 * and the head before the records (near.bpf.h: near_end()).
 */
static bool has_more(struct ring *r, uint64_t now)
{
	bool busy = r->near && __atomic_load_n(&r->near->busy, __ATOMIC_ACQUIRE);

	r->produced = ring_produced(r);
	if (r->produced - r->position > r->size)
		r->position = r->produced; /* whoever has written there: not a ring */
	if (r->position != r->produced)
		return true;
	if (!busy)
		r->floor = now;
	return false;
}

const struct mirror_record *ring_peek(struct ring *r, uint64_t now)
{
	const struct mirror_record *record;
	bool unfinished;

	for (;; ring_take(r)) {
		/* read the producer's cache line only when there is nothing else to do */
		if (r->position == r->produced && !has_more(r, now))
			return NULL;
		if (r->near)
			return at(r);
		record = buffered(r, &unfinished);
		if (record || unfinished)
			return record;
	}
}

uint32_t ring_captured(const struct ring *r, const struct mirror_record *record)
{
	uint32_t room = NEAR_MAX_DATA;

	if (!r->near)
		room = (*(const uint32_t *)at(r) & ~FLAGS) - sizeof(*record);
	return record->cap_len < room ? record->cap_len : room;
}

static void fetch_ahead(struct ring *r)
{
	uint64_t end = r->position + AHEAD;

	if (end > r->produced)
		end = r->produced; /* lines beyond this are being written */
	if (r->fetched < r->position)
		r->fetched = r->position;
	for (; r->fetched < end; r->fetched += CACHE_LINE)
		prefetch(r->data + (r->fetched & (r->size - 1)), CACHE_LINE);
}

/* The bytes that what begins at the position takes. */
static uint64_t taken(const struct ring *r)
{
	uint64_t length = *(const uint32_t *)at(r) & ~FLAGS, left = r->produced - r->position;

	if (!r->near)
		return (length + HEADER + 7) / 8 * 8;
	length = near_space(ring_captured(r, at(r)));
	return length < left ? length : left;
}

void ring_take(struct ring *r)
{
	r->position += taken(r);
	fetch_ahead(r);
}

void ring_release(struct ring *r)
{
	__atomic_store_n(r->consumer, r->position, __ATOMIC_RELEASE);
}

uint64_t ring_produced(const struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}
