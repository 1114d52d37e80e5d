#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# NIC 2 is NIC 1: the sender's copies leave by the interface of which everything is mirrored, and are not copied again.

load ring

setup() {
	ring_lab
	on host tc_root start --iface eth1 --quiet
}

# count NAME: a counter of both directions together.
count() {
	on host mirroring status --iface=eth1 --json | jq "[.[].counters.$1] | add"
}

# each_copied_once COLLECTOR PINGS: there may be a few packets of neighbour discovery beside those.
each_copied_once() {
	LAB_TIMEOUT=40 on host ping -f -q -c "$2" "$1" >/dev/null
	wait_until 10 idle
	local copied left_out known sent left
	copied=$(count ring) left_out=$(($(count ring_full) + $(count shed))) known=$(count own_copy) sent=$(sent copies)
	left=$(on host cat /sys/class/net/eth1/statistics/tx_packets)
	# several copies may pass as one GSO packet
	echo "copied: $copied, left out: $left_out, known as copies: $known, sent: $sent, left eth1: $left"
	((copied + left_out >= 2 * $2 && copied + left_out < 2 * $2 + 50 && copied > $2))
	# the kernel sends a packet of its own now and then, also between two looks at counters
	((sent < copied + 50 && sent > copied - 50 && known > 0 && left - sent > $2 - 50 && left - sent < $2 + 50))
}

@test "gue, 100,000 packets" {
	mirror_uplink --tunnel-remote-address=$LAB_COLLECTOR4
	each_copied_once $LAB_COLLECTOR4 50000
}

@test "the mark alone is enough: no outer header is known" {
	mirror_uplink --tunnel-type=gre --tunnel-remote-address=$LAB_COLLECTOR6
	forget_outers
	each_copied_once $LAB_COLLECTOR6 1000
}

@test "as they are, out of the mirrored device" {
	# the collector takes the copy of a request for a request
	on collector sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	expect 0 on host mirroring start --iface=eth1 --direction=egress --rules="mirror proto icmp" \
		--map-name=/sys/fs/bpf/tc/globals/eth1/tc_egress_root_array --tunnel-type=dev --redirect-to=eth1 \
		--allow-same-device=on
	on host ping -q -c 500 -i 0.002 -W 0.1 $LAB_COLLECTOR4 >/dev/null || true # nobody answers
	wait_until 10 idle
	[[ $(count ring) == 500 && $(count own_copy) == 500 && $(sent copies) == 500 ]]
}

# quiet_after COMMAND…: what a few packets caused comes to an end. The rest may be copies of neighbour discovery.
quiet_after() {
	on "$@" >/dev/null || true # nobody answers, or not in time
	wait_until 10 idle
	local before now
	before=$(sent copies)
	sleep 0.5
	now=$(sent copies)
	echo "copies: $before, half a second later: $now"
	((before < 200 && now - before < 20))
}

@test "errors about copies cause no copies: the collector's port is closed" {
	local address
	on collector sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=1000000 \
		net.ipv6.icmp.ratelimit=0
	for address in $LAB_COLLECTOR4 $LAB_COLLECTOR6; do
		mirror_uplink --tunnel-remote-address="$address"
		quiet_after host ping -q -c 5 -i 0.02 -W 1 "$address"
		wait_until 5 eval '(($(count own_copy) >= 20))' # copies, and errors about them
	done
}

@test "two hosts that mirror to each other" {
	local direction
	on collector tc_root start --iface eth0 --quiet
	for direction in ingress egress; do
		expect 0 on collector mirroring start --iface=eth0 --direction=$direction --rules=mirror \
			--map-name=/sys/fs/bpf/tc/globals/eth0/tc_${direction}_root_array --tunnel-remote-address=$LAB_UPLINK4
	done
	mirror_uplink --tunnel-remote-address=$LAB_COLLECTOR4
	quiet_after host ping -q -c 5 -i 0.02 -W 1 $LAB_COLLECTOR4
}
