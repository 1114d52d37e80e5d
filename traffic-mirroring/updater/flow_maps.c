// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "flow_maps.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "instance.h"
#include "outer_maps.h"
#include "sender_process.h"

#define PIN HOST_PINS "/flows"

uint32_t flow_table_sets(uint64_t memory)
{
	uint32_t sets = 1;

	while (sets * 2ULL * sizeof(struct mirror_flow_set) <= memory)
		sets *= 2;
	return sets;
}

static int report(int err)
{
	log_error("cannot set up the flow table %s: %s", PIN, error_text(err));
	return err;
}

/* Its fd. */
static int make(uint64_t memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = MIRROR_FLOWS_FLAGS);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "host_flows", sizeof(__u32),
				sizeof(struct mirror_flow_set), flow_table_sets(memory), &options);

	return fd < 0 ? -errno : fd;
}

static int check_use(void *ctx, const struct instance *i)
{
	(void)ctx;
	return !i || tables_use_flows(i->tables);
}

bool flow_table_used(void)
{
	return instance_each((struct instance_query){}, check_use, NULL);
}

struct table {
	int fd;
	uint32_t sets;
};

/* One that cannot be read would go on with a table that nobody writes to. */
static int lead(void *ctx, const struct instance *i)
{
	const struct table *table = ctx;
	int err;

	if (!i)
		return -EBUSY;
	if (!tables_use_flows(i->tables))
		return 0;
	err = outer_map_set(tables_flows_fd(i->tables), 0, table->fd);
	if (!err)
		tables_set_flow_sets(i->tables, table->sets);
	return err;
}

/* Pins a table in place of another one. */
static int use(struct table table)
{
	if ((unlink(PIN) && errno != ENOENT) || bpf_obj_pin(table.fd, PIN))
		return -errno;
	return instance_each((struct instance_query){}, lead, &table);
}

int flow_table_add(uint64_t memory)
{
	int fd = make(memory), err;

	if (fd < 0)
		return report(fd);
	err = bpf_obj_pin(fd, PIN) ? report(-errno) : 0;
	close(fd);
	return err;
}

/* Closes both. */
static int replace(struct table old, struct table new)
{
	int err = old.fd < 0 ? old.fd : new.fd < 0 ? new.fd : use(new);

	err = err ? report(err) : sender_signal(SIGUSR1);
	if (err && old.fd >= 0 && new.fd >= 0)
		use(old);
	if (old.fd >= 0)
		close(old.fd);
	if (new.fd >= 0)
		close(new.fd);
	return err;
}

int flow_table_resize(struct shared *host, uint64_t memory)
{
	int pinned = bpf_obj_get(PIN), err;

	err = replace((struct table){ pinned < 0 ? -errno : pinned, host->flow_sets },
		      (struct table){ make(memory), flow_table_sets(memory) });
	return err ? err : shared_open_flows(host);
}
