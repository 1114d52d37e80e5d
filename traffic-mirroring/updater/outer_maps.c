// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "outer_maps.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/bpf_info.h"

__u32 outer_map_inner_id(int outer, __u32 key)
{
	__u32 id = 0;

	return bpf_map_lookup_elem(outer, &key, &id) ? 0 : id;
}

int outer_map_set(int outer, __u32 key, int fd)
{
	if (outer_map_inner_id(outer, key) == (fd < 0 ? 0 : bpf_info_id(fd)))
		return 0;
	if (fd < 0)
		return bpf_map_delete_elem(outer, &key) ? -errno : 0;
	return bpf_map_update_elem(outer, &key, &fd, BPF_ANY) ? -errno : 0;
}

/*
 * The kernel promises to whoever changes a map of maps: when the call returns, no program uses the old map
 * any more. (membarrier() would wait the same, but is not there with nohz_full.)
 */
int grace_period(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);
	int inner, outer = -1, err = 0;
	__u32 zero = 0;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", sizeof(__u32), sizeof(__u32), 1, NULL);
	if (inner < 0)
		return -errno;
	options.inner_map_fd = inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_outer", sizeof(__u32), sizeof(__u32), 1,
			       &options);
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY))
		err = -errno;
	if (outer >= 0)
		close(outer);
	close(inner);
	return err;
}
