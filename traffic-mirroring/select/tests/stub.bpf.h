/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps and the names of our programs, which do nothing but go on in the chain: for tests of the commands,
 * which load them by the hundred. The verifier needs a hundredth of the time.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "../maps.bpf.h"

#define STUB(name)                                             \
	SEC("tc")                                              \
	int name(struct __sk_buff *skb)                        \
	{                                                      \
		bpf_tail_call_static(skb, &MAP(jmp_table), 0); \
		return TC_ACT_UNSPEC;                          \
	}

STUB(JOIN(_, DIRECTION, _redirect))
STUB(MAP(device))
STUB(MAP(ring))
STUB(MAP(order))

char _license[] SEC("license") = "Dual BSD/GPL";
