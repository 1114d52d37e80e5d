#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Programs come and go before and behind ours, and beside the chain; production packets are never lost.

load l3afd

@test "one is inserted ahead, removed, added behind, and ours deleted, under traffic" {
	traffic
	l3afd_start
	deploy device.json
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	deploy device.json 'flow_log(10; "flow-log")'
	chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> _DIRECTION_redirect -> end"
	copies_pings_among_traffic
	remove flow-log
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> end"
	copies_pings_among_traffic
	deploy device.json 'flow_log(30; "flow-log")'
	chains_are "tc_DIRECTION_root -> _DIRECTION_redirect -> flow_log_DIRECTION_entry -> end"
	copies_pings_among_traffic
	remove traffic-mirroring
	chains_are "tc_DIRECTION_root -> flow_log_DIRECTION_entry -> end"
	traffic_end
}

# The traffic is echo requests: copies go on in both directions.
copies_pings_among_traffic() {
	local ingress egress
	ingress=$(copied ingress) egress=$(copied egress)
	wait_until 5 copied_more_than ingress "$ingress"
	wait_until 5 copied_more_than egress "$egress"
}

# A program that counts packets, beside the chain.
load_counter() {
	on host mkdir -p "/sys/fs/bpf/beside" &&
		on host bpftool prog loadall "$l3afd_root/build/tc-root/tests/count.bpf.o" "/sys/fs/bpf/beside/$1" \
			pinmaps "/sys/fs/bpf/beside/$1"
}

counted() {
	on host bpftool -j map lookup pinned "/sys/fs/bpf/beside/$1/packets" key 0 0 0 0 | jq .formatted.value
}

@test "a tc filter and a TCX program after the root see every packet" {
	l3afd_start
	deploy device.json
	[[ $(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1) == 6.6 ]] || skip "TCX needs kernel 6.6"
	local direction program=count_packets_and_go_on
	load_counter tc
	ensure_clsact # l3afd after v2.1.0 has its roots at TCX
	for direction in ingress egress; do
		on host tc filter add dev eth0 $direction prio 65000 bpf direct-action \
			object-pinned /sys/fs/bpf/beside/tc/$program
		load_counter tcx-$direction
		expect 0 on host "$BATS_TEST_DIRNAME/attach-tcx" /sys/fs/bpf/beside/tcx-$direction/$program eth0 $direction \
			/sys/fs/bpf/beside/link-$direction
	done
	local tc ingress egress
	tc=$(counted tc) ingress=$(counted tcx-ingress) egress=$(counted tcx-egress)
	pings 50
	(($(counted tc) >= tc + 100 && $(counted tcx-ingress) >= ingress + 50 && $(counted tcx-egress) >= egress + 50))
	(($(copied ingress) == 50 && $(copied egress) == 50))
}
