#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# More copies than the sender can send: whole flows are shed, and the others arrive whole.

load ring

setup() {
	requires_command strace
	ring_lab
	lab_neighbour host eth1 collector eth0 $LAB_COLLECTOR4
	mac_host=$(lab_mac host eth0)
}

nothing_shed() {
	on host mirroring metrics | grep -qx 'mirroring_sender_shed_ratio 0'
}

@test "twice as much as can be sent: 95 % of the flows that arrive are whole; all are sent again when it is over" {
	rules="mirror proto udp" ring_start --tunnel-remote-address=$LAB_COLLECTOR4 --ring-memory=16M
	# 10,000 packets per second; a sender whose every call takes this long can send half of it
	spawn host strace strace -qq -e trace=sendmmsg -e inject=sendmmsg:delay_enter=3000 -p "$(sender)" -o /dev/null
	local strace=$pid
	capture copies host eth1 -s 100 udp dst port 6080
	LAB_TIMEOUT=20 on client "$tools/ring_flows.py" offer eth0 "$mac_host" 8
	local offered copied
	offered=$(report .filters[0].packets)
	copied=$(outcome ingress ring)
	on host mirror-sender --status
	mirror 0 status
	kill -INT "$strace"
	wait_until 10 idle
	capture_end copies
	local complete arrived
	read -r complete arrived < <("$tools/ring_flows.py" whole "$LAB/copies.pcap" 1600)
	echo "# $copied of $offered packets copied; of $arrived flows $complete arrived whole" >&3
	[[ $(outcome ingress ring_full) == 0 ]]
	# what can be sent, what the rings hold, and what was taken before the first flow was left out: less than three quarters
	((copied * 4 < offered * 3))
	((arrived > 50 && complete * 100 >= arrived * 95))
	wait_until 20 nothing_shed
}
