/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Puts one record into a ring each time it runs. skb->mark: bytes of data; skb->priority: into wire_len; 0:
 * discarded.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../../abi/record.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16384);
} ring SEC(".maps");

static __always_inline int put(struct __sk_buff *skb, const __u32 size)
{
	struct mirror_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r) + size, 0);

	if (!r)
		return 1;
	__builtin_memset(r, 0, sizeof(*r));
	r->time_ns = bpf_ktime_get_ns();
	r->wire_len = skb->priority;
	r->cap_len = size;
	bpf_skb_load_bytes(skb, 0, r->data, size);
	if (skb->priority)
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tc")
int fill(struct __sk_buff *skb)
{
	return skb->mark == 100 ? put(skb, 100) : skb->mark == 1501 ? put(skb, 1501) : 2;
}

char _license[] SEC("license") = "Dual BSD/GPL";
