/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "../abi/flow_hash.h"
#include "parse.bpf.h"

struct flow {
	__u64 hash; /* the same for both directions */
	bool direction;
};

static __always_inline struct flow flow_of(struct mirror_packet *p)
{
	__u64 from, to;

	complete_addresses(p);
	from = hash_end(p->src, p->src_port);
	to = hash_end(p->dst, p->dst_port);
	return (struct flow){ hash_flow(from, to, p->proto), from < to };
}
