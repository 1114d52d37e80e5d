// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rings.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../common/bpf_info.h"
#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../abi/host.h"
#include "../wire/prefetch.h"

/* The kernel's header of a record: its length with two flags, and a word for the kernel's use. */
#define HEADER BPF_RINGBUF_HDR_SZ
#define FLAGS (BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT)

const struct bpf_map_shape rings_shape = { .type = BPF_MAP_TYPE_RINGBUF };

/*
 * A ring's memory is used from end to end however few records wait in it: only a small one stays in a core's
 * cache. Enough for what comes while the sender naps.
 */
#define MAX_NEAR_RING (1ULL << 20)
#define MIN_SPILL_RING (128U << 10)
_Static_assert(MIN_SPILL_RING > HEADER + sizeof(struct mirror_record) + RECORD_SURE_DATA, "see record.h");

#define CPUS_PER_THREAD 4 /* of production, at least, unless the operator says otherwise */

#define AHEAD 4096 /* bytes being prefetched while a record is processed */

static const uint32_t *header(const struct ring *r)
{
	return (const uint32_t *)(r->data + (r->position & (r->size - 1)));
}

int ring_open(struct ring *r, int fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct bpf_map_info info;
	void *consumer, *producer;
	int err;

	err = bpf_info_map(fd, &info);
	if (err)
		return err;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * (size_t)info.max_entries, PROT_READ, MAP_SHARED, fd, page);
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
		.size = info.max_entries,
		.position = *(uint64_t *)consumer,
	};
	r->produced = r->position;
	return 0;
}

static void ring_close(struct ring *r)
{
	size_t page = sysconf(_SC_PAGESIZE);

	munmap(r->consumer, page);
	munmap((void *)r->producer, page + 2 * r->size);
	close(r->fd);
}

void rings_close(struct ring *rings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ring_close(&rings[i]);
	free(rings);
}

void rings_name(unsigned int ring, char name[RINGS_NAME_LEN])
{
	snprintf(name, RINGS_NAME_LEN, "%s_%u", rings_is_spill(ring) ? "spill" : "near",
		 ring / RINGS_PER_CPU);
}

static int open_pinned(struct ring *r, const char *path)
{
	int fd = bpf_info_open(path, &rings_shape), err;

	if (fd < 0)
		return fd;
	err = ring_open(r, fd);
	if (err) {
		log_error("cannot open %s: %s", path, error_text(err));
		close(fd);
	}
	return err;
}

/* The largest power of two that is not above limit, a page at least. */
static uint32_t size_within(uint64_t limit)
{
	uint64_t size = sysconf(_SC_PAGESIZE);

	while (size * 2 <= limit && size < 1U << 30)
		size *= 2;
	return size;
}

bool rings_is_used(unsigned int ring, unsigned int threads, unsigned int cpus)
{
	unsigned int key = ring / RINGS_PER_CPU;

	return key / MIRROR_MAX_CPUS < threads && key % MIRROR_MAX_CPUS < cpus;
}

unsigned int rings_threads(uint64_t setting, unsigned int cpus)
{
	unsigned int threads = 1;

	while (threads < MIRROR_MAX_THREADS && threads * 2 <= (setting ?: cpus / CPUS_PER_THREAD))
		threads *= 2;
	return threads;
}

uint32_t rings_size(unsigned int ring, uint64_t memory, unsigned int pairs)
{
	uint64_t share = memory / pairs;
	uint32_t near = size_within(share / 4 < MAX_NEAR_RING ? share / 4 : MAX_NEAR_RING);
	uint32_t spill = size_within(share > near ? share - near : 0);

	if (!rings_is_spill(ring))
		return near;
	return spill < MIN_SPILL_RING ? MIN_SPILL_RING : spill;
}

static bool is_pinned(unsigned int ring)
{
	char name[RINGS_NAME_LEN], path[64];

	rings_name(ring, name);
	snprintf(path, sizeof(path), HOST_PINS "/%s", name);
	return !access(path, F_OK);
}

static unsigned int pinned_threads(void)
{
	unsigned int threads = 1;

	while (threads < MIRROR_MAX_THREADS && is_pinned(RINGS_PER_CPU * ring_key(2 * threads - 1, 0)))
		threads *= 2;
	return threads;
}

int rings_open(struct ring **rings, size_t *n, unsigned int *threads)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	char name[RINGS_NAME_LEN], path[64];

	*n = 0;
	*threads = pinned_threads();
	*rings = cpus > 0 ? calloc(RINGS_PER_CPU * *threads * cpus, sizeof(**rings)) : NULL;
	if (!*rings) {
		log_error("no memory for the rings");
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < RINGS_MAX && !err; i++) {
		if (!rings_is_used(i, *threads, cpus))
			continue;
		rings_name(i, name);
		snprintf(path, sizeof(path), HOST_PINS "/%s", name);
		err = open_pinned(&(*rings)[*n], path);
		if (!err)
			++*n;
	}
	if (err)
		rings_close(*rings, *n);
	return err;
}

bool rings_exist(void)
{
	return !access(HOST_PINS "/near_0", F_OK);
}

double rings_fill(const struct ring *rings, size_t n)
{
	double fullest = 0, fill;
	uint64_t used, size;

	for (size_t i = 0; i < n; i += RINGS_PER_CPU) {
		used = size = 0;
		for (const struct ring *r = &rings[i]; r < &rings[i + RINGS_PER_CPU]; r++) {
			used += ring_produced(r) - r->position;
			size += r->size;
		}
		fill = (double)used / size;
		if (fill > fullest)
			fullest = fill;
	}
	return fullest;
}

const struct mirror_record *ring_peek(struct ring *r, uint64_t now)
{
	uint32_t length;

	for (;; ring_take(r)) {
		if (r->position == r->produced) {
			/* read the producer's cache line only when there is nothing else to do */
			r->produced = ring_produced(r);
			if (r->position == r->produced) {
				r->floor = now; /* a record gets its time after its place */
				return NULL;
			}
		}
		length = __atomic_load_n(header(r), __ATOMIC_ACQUIRE);
		if (length & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!(length & BPF_RINGBUF_DISCARD_BIT) && length >= sizeof(struct mirror_record))
			return (const struct mirror_record *)(header(r) + HEADER / sizeof(uint32_t));
	}
}

uint32_t ring_captured(const struct ring *r, const struct mirror_record *record)
{
	uint32_t room = (*header(r) & ~FLAGS) - sizeof(*record);

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

void ring_take(struct ring *r)
{
	uint64_t length = *header(r) & ~FLAGS;

	r->position += (length + HEADER + 7) / 8 * 8;
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
