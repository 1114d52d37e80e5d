// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "verdict.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "../abi/flow_hash.h"
#include "../wire/flow.h"
#include "flow_table.h"

/* What a packet counts for `first`, as in the data path. */
static uint32_t size_of(const struct mirror_record *r, const struct headers *h, uint32_t first)
{
	uint32_t payload = h->data && h->end > h->data ? h->end - h->data : 0;

	if (first & FLOW_PACKETS)
		return r->gso_size && payload ? (payload - 1) / r->gso_size + 1 : 1;
	return payload ?: h->data ? 1 : r->wire_len;
}

/* Whether the packet is within the first bytes or packets of its direction: all of it, or r->segments. */
static bool within_first(const struct shared *s, uint32_t first, struct mirror_record *r,
			 const struct capture *c, const struct headers *h)
{
	uint64_t hash =
		flow_count_hash((uint64_t)r->tag << 32 | r->hash, r->ifindex, !!(r->flags & RECORD_EGRESS));
	uint8_t flags = h->proto == IPPROTO_TCP && h->data ? c->at[h->l4 + 13] : 0;
	int direction = flow_direction(c, h);
	struct mirror_flow *flow;
	uint32_t size, left;

	if (flags & FLOW_ALWAYS) {
		flow = flow_table_find(s, hash);
		if (flow && flags & TH_SYN)
			flow->count[direction] = 0;
		return true;
	}
	flow = flow_table_get(s, hash, r->seen);
	if (!flow)
		return true;
	size = size_of(r, h, first);
	left = flow_count(flow, direction, first, size);
	r->segments = flow_segments(first, left, size, r->gso_size);
	return left;
}

static void trim(const struct mirror_verdict *v, struct mirror_record *r)
{
	r->snaplen = v->snaplen;
	if (!(v->trim & TRIM_HEADERS))
		return;
	r->flags |= RECORD_HEADERS | RECORD_FIND_HEADERS | (v->trim & TRIM_ZERO ? RECORD_ZERO : 0);
	r->snaplen += RECORD_HEAD_SIZE;
}

bool verdict_apply(const struct shared *s, const struct mirror_verdict *v, int filter,
		   struct mirror_record *r, uint32_t captured)
{
	const struct capture c = { r->data, captured, r->wire_len > captured ? r->wire_len : captured };
	struct headers h;

	if (v->action != ACTION_MIRROR || hash_share(r->tag, v->sample))
		return false;
	headers_parse(&c, r->flags & RECORD_L3, &h);
	if (v->first && !within_first(s, v->first, r, &c, &h))
		return false;
	if (r->hash < s->state->group_shed[v->group % MIRROR_MAX_GROUPS])
		return false;
	r->filter = filter + 1;
	r->group = v->group;
	r->flags &= ~RECORD_UNDECIDED;
	trim(v, r);
	return true;
}
