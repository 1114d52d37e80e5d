/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "../abi/flow_hash.h"
#include "parse.bpf.h"

static __always_inline __u64 flow_hash(const struct packet *p)
{
	return hash_flow(hash_end(p->src, p->src_port), hash_end(p->dst, p->dst_port), p->proto);
}
