// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rings.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "../abi/host.h"

#define MIN_SPILL_RING (128U << 10)
_Static_assert(MIN_SPILL_RING > BPF_RINGBUF_HDR_SZ + sizeof(struct mirror_record) + RECORD_SURE_DATA,
	       "see record.h");

#define CPUS_PER_THREAD 4 /* of production, at least, unless the operator says otherwise */

const struct bpf_map_shape *rings_shape(unsigned int ring)
{
	static const struct bpf_map_shape near = { BPF_MAP_TYPE_ARRAY, sizeof(__u32),
						   sizeof(struct mirror_near), 1, BPF_F_MMAPABLE },
					  spill = { .type = BPF_MAP_TYPE_RINGBUF }; /* of any size */

	return rings_is_spill(ring) ? &spill : &near;
}

void rings_name(unsigned int ring, char name[RINGS_NAME_LEN])
{
	snprintf(name, RINGS_NAME_LEN, "%s_%u", rings_is_spill(ring) ? "spill" : "near",
		 ring / RINGS_PER_CPU);
}

bool rings_near_fit(uint64_t memory, unsigned int pairs)
{
	return memory / pairs >= sizeof(struct mirror_near) + MIN_SPILL_RING;
}

uint32_t rings_spill_size(uint64_t memory, unsigned int pairs)
{
	uint64_t share = memory / pairs, size = MIN_SPILL_RING;

	if (rings_near_fit(memory, pairs))
		share -= sizeof(struct mirror_near);
	while (size * 2 <= share && size < 1U << 30)
		size *= 2;
	return size;
}

static int open_pinned(struct ring *r, const char *path, const struct bpf_map_shape *shape)
{
	int fd = bpf_info_open(path, shape), err;

	if (fd < 0)
		return fd;
	err = ring_open(r, fd);
	if (err) {
		log_error("cannot open %s: %s", path, error_text(err));
		close(fd);
	}
	return err;
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

	while (threads < MIRROR_MAX_THREADS && is_pinned(RINGS_PER_CPU * ring_key(2 * threads - 1, 0) + 1))
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
		if (!rings_is_spill(i) && access(path, F_OK) && errno == ENOENT)
			continue; /* no memory for primary rings */
		err = open_pinned(&(*rings)[*n], path, rings_shape(i));
		if (!err)
			++*n;
	}
	if (err)
		rings_close(*rings, *n);
	return err;
}

void rings_close(struct ring *rings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ring_close(&rings[i]);
	free(rings);
}

bool rings_exist(void)
{
	return !access(HOST_PINS "/spill_0", F_OK);
}

size_t rings_cpus(const struct ring *rings, size_t n)
{
	size_t cpus = 0;

	for (size_t i = 0; i < n; i++)
		cpus += !rings[i].near;
	return cpus;
}

double rings_fill(const struct ring *rings, size_t n)
{
	uint64_t used = 0, size = 0;
	double fullest = 0, fill;

	for (const struct ring *r = rings; r < rings + n; r++) {
		used += ring_produced(r) - r->position;
		size += r->size;
		if (r->near)
			continue; /* the CPU's other ring follows */
		fill = (double)used / size;
		if (fill > fullest)
			fullest = fill;
		used = size = 0;
	}
	return fullest;
}
