/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "ring_memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_memory_map(size_t size, uint8_t **memory)
{
	int fd = memfd_create("mirror-collector", MFD_CLOEXEC), err = 0;
	uint8_t *at = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, size))
		at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		err = -errno;
	for (int half = 0; half < 2 && !err; half++)
		if (mmap(at + half * size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
			err = -errno;
	if (fd >= 0)
		close(fd);
	*memory = at == MAP_FAILED ? NULL : at;
	return err;
}

void ring_memory_unmap(uint8_t *memory, size_t size)
{
	if (memory)
		munmap(memory, 2 * size);
}
