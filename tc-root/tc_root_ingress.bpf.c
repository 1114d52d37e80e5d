// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "tc_root.bpf.h"

struct root_array tc_ingress_root_array SEC(".maps");

SEC("tc")
int tc_ingress_root(struct __sk_buff *skb)
{
	return run_chain(skb, &tc_ingress_root_array);
}
